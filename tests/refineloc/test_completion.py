"""Completion in real shells on a terminal: what stands on the line after a Tab."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import ROOT

pytest.importorskip("shtab", reason="the extra 'completion' is not installed")

# The command itself prints what it is given, so that the line is read as the shell has it.
PRINT = "refineloc() {{ printf 'GOT'; printf '<%s>' \"$@\"; echo; }}; echo READY$((1 + 1))\n"
SETUP = {
    "bash": f"PS1=; source {{script}}; {PRINT}",
    "zsh": "PS1=; RPS1=; unsetopt PROMPT_SP; autoload -U compinit; compinit -u; source {script}; "
    f"compdef _shtab_refineloc refineloc; {PRINT}",
}
START = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
WAIT_S = 60


class Terminal:
    """A shell with its completion; ``complete`` types a line with a Tab and returns the words that it then has."""

    def __init__(self, shell: str, folder: Path) -> None:
        script = folder / f"completion.{shell}"
        script.write_text(completion(shell))
        self._own, other = pty.openpty()
        environment = {**os.environ, "TERM": "dumb", "INPUTRC": "/dev/null"}
        self._process = subprocess.Popen(
            START[shell], cwd=folder, env=environment, stdin=other, stdout=other, stderr=other, start_new_session=True
        )
        os.close(other)
        self._type(SETUP[shell].format(script=script))
        self._read_until("READY2")

    def complete(self, line: str) -> list[str]:
        self._type(f"{line}\t")
        time.sleep(0.3)  # zsh takes what is typed before it has completed for the rest of the word
        self._type("\n")
        got = self._read_until("GOT<")
        return (got + self._read_until("\n")).rpartition("GOT<")[2].strip().removesuffix(">").split("><")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._own)

    def _type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def _read_until(self, end: str) -> str:
        text, deadline = "", time.monotonic() + WAIT_S
        while end not in text:
            left = deadline - time.monotonic()
            assert left > 0, text
            if select.select([self._own], [], [], left)[0]:
                text += os.read(self._own, 1).decode(errors="replace")
        return text


def completion(shell: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "refineloc", "completion", shell], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.fixture(scope="module", params=sorted(SETUP))
def terminal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    if shutil.which(request.param) is None:
        pytest.skip(f"no {request.param}")
    folder = tmp_path_factory.mktemp("shell")
    (folder / "studies" / "first-search").mkdir(parents=True)
    (folder / "studies" / "first-search" / "study.json").write_text("{}")
    (folder / "elsewhere" / "other").mkdir(parents=True)
    (folder / "elsewhere" / "other" / "study.json").write_text("{}")
    (folder / "mine.yaml").write_text("")
    (folder / "notes.txt").write_text("")
    made = Terminal(request.param, folder)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("refineloc la", ["launch"]),
        ("refineloc launch --num-s", ["launch", "--num-samples"]),
        ("refineloc launch --dataset thu", ["launch", "--dataset", "thumos14"]),
        ("refineloc launch --dataset thumos14 --dry", ["launch", "--dataset", "thumos14", "--dry-run"]),
        ("refineloc launch --dataset mi", ["launch", "--dataset", "mine.yaml"]),
        ("refineloc launch --study thr", ["launch", "--study", "thresholds"]),
        ("refineloc launch --sampler q", ["launch", "--sampler", "qmc"]),
        ("refineloc launch --resume fi", ["launch", "--resume", "first-search"]),
        ("refineloc tables --study fi", ["tables", "--study", "first-search"]),
        ("refineloc status --study-dir elsewhere oth", ["status", "--study-dir", "elsewhere", "other"]),
        ("refineloc config --ab", ["config", "--about"]),
        ("refineloc config training.epo", ["config", "training.epochs"]),
        ("refineloc new --fea", ["new", "--feature"]),
        ("refineloc completion z", ["completion", "zsh"]),
    ],
)
def test_a_tab_completes(terminal: Terminal, line: str, words: list[str]) -> None:
    assert terminal.complete(line) == words


def test_a_setting_goes_on_with_its_value(terminal: Terminal) -> None:
    assert terminal.complete("refineloc launch --set training.epo") == ["launch", "--set", "training.epochs="]


def test_the_script_is_made_without_torch_and_ray() -> None:
    code = "import sys, refineloc.completion as c; c.script('bash'); print({'torch', 'ray'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_another_shell_is_refused_in_words() -> None:
    done = subprocess.run([sys.executable, "-m", "refineloc", "completion", "fish"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: refineloc completion: one of bash, zsh, got 'fish'\n")
