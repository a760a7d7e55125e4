"""Fixtures of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No deadlines: machines are noisy, and timing is not what these tests are about.
settings.register_profile("project", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("project")

HERE = Path.cwd()
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(autouse=True)
def same_working_folder() -> Iterator[None]:
    """A test that leaves the process in another folder fails itself, not one that comes long after it."""
    yield
    left_in = Path.cwd()
    os.chdir(HERE)
    assert left_in == HERE, f"the test leaves the process in {left_in}"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data and reference outputs beside the project; in CI its absence is a failure."""
    if not SHARED.is_dir():
        message = f"no {SHARED.name}/ folder beside the project (real data and reference outputs)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return SHARED


@pytest.fixture(scope="session")
def parity(request: pytest.FixtureRequest) -> Path:
    """Outputs of the reference implementation: the folder that PARITY_DIR names, else the shared one."""
    named = os.environ.get("PARITY_DIR")
    return Path(named) if named else request.getfixturevalue("shared") / "parity"
