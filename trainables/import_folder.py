"""Where Ray's workers find this project's packages: the folder that this process has them from, before the user's own.

``ray.init`` puts the working folder of its caller first on the import path of all workers (it has no option for that),
and a user's working folder may well hold an ``analysis``, a ``configs`` or a ``study.py``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# Read by Ray or Python as paths; a relative one means something else inside of the block.
_PATH_VARIABLES = ("TMPDIR", "RAY_TMPDIR", "RAY_AUTH_TOKEN_PATH")


@contextlib.contextmanager
def packages_first() -> Iterator[None]:
    """Call ``ray.init`` inside of this block. Paths that are given to Ray inside of it are absolute."""
    for name in _PATH_VARIABLES:
        if os.environ.get(name):
            os.environ[name] = os.path.abspath(os.environ[name])
    with contextlib.chdir(import_folder()):
        yield


def import_folder() -> Path:
    """A folder that is safe to stand first on an import path.

    The one that holds our packages; or, where they are installed among others, that of the standard library, which is
    first on every path: before it, a package of others (``argparse`` of PyPI) would take the place of Python's own.
    """
    packages = Path(__file__).resolve().parents[1]
    return Path(os.__file__).parent if packages.name in ("site-packages", "dist-packages") else packages
