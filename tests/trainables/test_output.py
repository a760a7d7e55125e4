"""Commands in real processes whose output goes nowhere, or to where a character does not exist."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

CODE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
from trainables.output import print_error, run_command
from tqdm import tqdm
def main():
    for number in tqdm(range(3), disable=False, mininterval=0):
        print("β=4 η αA — ± é 動", "x" * 50_000)
    print_error("by design: β")
    open(sys.argv[1], "w").write("end reached")
    return int(sys.argv[2])
run_command(main, prints_result=len(sys.argv) > 3)
"""


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Written by a command that has come to its end."""
    return tmp_path / "mark"


def command(mark: Path, status: int = 0, *further: str) -> list[str]:
    script = mark.with_name("command.py")  # not "-c": the C locale has no β for an argument
    script.write_text(CODE, encoding="utf-8")
    return [sys.executable, str(script), str(mark), str(status), *further]


def shell(line: str, mark: Path, status: int = 0, *further: str) -> subprocess.CompletedProcess[str]:
    """``line``, in which ``COMMAND`` stands for the command."""
    arguments = ["bash", "-c", line.replace("COMMAND", '"$0" "$@"'), *command(mark, status, *further)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "line",
    [
        "COMMAND | head -c 10 >/dev/null; exit ${PIPESTATUS[0]}",
        "COMMAND 2>&1 | head -c 10 >/dev/null; exit ${PIPESTATUS[0]}",
        "COMMAND >/dev/full",
        "COMMAND >/dev/full 2>&1",
        "COMMAND >&-",
        "COMMAND <&- >&- 2>&-",
        "COMMAND 2>/dev/full",
    ],
)
def test_a_command_goes_on_when_its_output_cannot_be_written(line: str, mark: Path) -> None:
    done = shell(line, mark)
    assert done.returncode == 0, done.stderr
    assert mark.read_text() == "end reached"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_result_that_could_not_be_written_is_told_and_the_status_is_1(mark: Path) -> None:
    done = shell("COMMAND >/dev/full", mark, 0, "result")
    assert done.returncode == 1
    assert "error: standard output: No space left on device; what was printed there is not complete" in done.stderr
    assert shell("COMMAND >/dev/full", mark, 3, "result").returncode == 3


def test_a_reader_that_has_seen_enough_is_no_error(mark: Path) -> None:
    done = shell("COMMAND | head -c 10; exit ${PIPESTATUS[0]}", mark, 0, "result")
    assert done.returncode == 0
    assert "standard output" not in done.stderr


def test_a_command_goes_on_when_its_terminal_is_gone(mark: Path) -> None:
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        ["sh", "-c", 'sleep 1; exec "$0" "$@"', *command(mark)],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    os.close(terminal)  # writing there is EIO from now on
    assert process.wait(timeout=60) == 0
    assert mark.read_text() == "end reached"


def test_a_terminal_that_somebody_made_non_blocking_gets_all(mark: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = subprocess.Popen(command(mark), stdout=writer, stderr=subprocess.DEVNULL)
    os.close(writer)
    with open(reader, "rb") as stream:
        content = stream.read()
    assert process.wait(timeout=60) == 0
    assert content.count(b"x" * 50_000 + b"\n") == 3


def test_what_a_library_writes_to_the_descriptors_is_dropped_when_output_is_detached(tmp_path: Path) -> None:
    script = tmp_path / "command.py"
    script.write_text(
        f"import os, subprocess, sys\nsys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})\n"
        "from trainables.output import detach_output, install_output\n"
        "install_output(); print('before'); detach_output(); os.write(1, b'library'); os.write(2, b'library')\n"
        "subprocess.run(['echo', 'child']); print('β'); print('after', file=sys.stderr)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("before\nβ\n", "after\n")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PYTHONIOENCODING": "ascii"}, b"beta=4 eta alphaA ? ? e ?"),
        ({"PYTHONIOENCODING": "latin-1"}, "beta=4 eta alphaA ? ± é ?".encode("latin-1")),
        ({"PYTHONIOENCODING": "utf-8"}, "β=4 η αA — ± é 動".encode()),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, b"beta=4 eta alphaA ? ? e ?"),
    ],
)
def test_characters_that_the_encoding_lacks_are_spelled(
    environment: dict[str, str], expected: bytes, mark: Path
) -> None:
    done = subprocess.run(command(mark), env=os.environ | environment, capture_output=True, check=True)
    assert done.stdout.split(b" x")[0] == expected
    assert b"error: by design: " in done.stderr
