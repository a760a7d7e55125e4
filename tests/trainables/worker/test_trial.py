"""A trial on the disk: what it leaves there, and what happens when the disk refuses."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.study.worlds import run_of
from tests.trainables.worker.orders import answers, order_of, reports, worker_of
from tests.trainables.worlds import tiny_dataset
from trainables.training.state import NonFiniteLoss
from trainables.worker.time_limit import TimeLimitExceeded
from trainables.worker.trial import failure_state

DATA, RUN = tiny_dataset(), run_of()
# Of a local disk, a quota, a network file system, and one that no list names.
REFUSALS = [
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ENOTCONN,
    errno.ETIMEDOUT, errno.EUCLEAN,
]  # fmt: skip


def refusing(original: Callable[..., Any], number: int) -> Callable[..., Any]:
    """A system call that fails from its third use on."""
    used = 0

    def call(*arguments: Any) -> Any:
        nonlocal used
        used += 1
        if used > 2:
            raise OSError(number, os.strerror(number))
        return original(*arguments)

    return call


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", REFUSALS, ids=errno.errorcode.get)
def test_a_trial_whose_files_cannot_be_written_does_not_end_and_goes_on_with_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    expected = [report.without_times() for report in reports(worker_of(DATA, order_of(tmp_path / "whole", 0, RUN)))]
    with monkeypatch.context() as patched:
        patched.setattr(os, call, refusing(getattr(os, call), number))
        told = list(answers(worker_of(DATA, order_of(tmp_path, 0, RUN))))
    assert (told[-1].state, told[-1].errno) == ("unwritable", number)
    known = len(told) - 1
    later = reports(worker_of(DATA, order_of(tmp_path, 0, RUN, known)))
    assert [report.without_times() for report in later] == expected[known:]


def test_a_state_that_cannot_be_read_now_does_not_end_the_trial_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(answers(worker_of(DATA, order_of(tmp_path, 0, RUN))))

    def refuse(path: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (answer,) = answers(worker_of(DATA, order_of(tmp_path, 0, RUN)))
    assert answer.state == "unwritable"
    assert str(answer.path).endswith("state.pt")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (torch.cuda.OutOfMemoryError("no room"), "out-of-memory"),
        (MemoryError("no room"), "out-of-memory"),
        (NonFiniteLoss("loss is nan"), "non-finite"),
        (TimeLimitExceeded("8.0 s"), "timed-out"),
        (PermissionError(errno.EACCES, "Permission denied"), "unwritable"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "failed"),
        (TimeoutError("raised by a program, without a number"), "failed"),
        (ValueError("wrong"), "failed"),
    ],
)
def test_the_state_of_a_trial_follows_from_its_error(error: Exception, state: str) -> None:
    assert failure_state(error) == state
