from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from study.placement.gpu_probe import gpu_memory


def test_the_memory_is_that_of_the_smallest_gpu_or_none() -> None:
    gpus = [torch.cuda.get_device_properties(k).total_memory for k in range(torch.cuda.device_count())]
    assert gpu_memory() == (min(gpus) if torch.cuda.is_available() else None)


@pytest.mark.parametrize(("printed", "expected"), [("85899345920\n", 85899345920), ("", None), ("\n", None)])
def test_another_process_is_asked_so_that_this_one_opens_no_cuda_context(
    monkeypatch: pytest.MonkeyPatch, printed: str, expected: int | None
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, printed, "a warning")

    monkeypatch.setattr(subprocess, "run", run)
    assert gpu_memory() == expected
    assert asked[0][:2] == [sys.executable, "-c"]
