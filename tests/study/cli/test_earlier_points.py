"""A study that begins with the best points of an earlier one."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from study.cli.arguments import parse_arguments
from study.cli.request import Request, read_request
from study.config.study import parse_study
from study.driver import Driver
from study.launch import main
from study.ledger.ranking import ranked_configurations
from study.ledger.records import TrialRecord
from tests.study.ledgers import records_of
from tests.study.worlds import work
from trainables.errors import UserError

SHORT = ["--dataset", "simulated", "--set", "refinement.iterations=2", "--set", "compute.device=cpu",
         "--set", "training.epochs=1"]  # fmt: skip
BETAS = [1.0, 2.0, 3.0, 4.0, 6.0, 9.0]
SPACE = "sampler: {}\nnum_samples: {}\nspace:\n  loss.beta: {{choices: {}}}\n"


def arguments(folder: Path, name: str, *options: str) -> list[str]:
    return [*SHORT, "--study-dir", str(folder / "studies"), "--name", name, *options]


def launch(folder: Path, name: str, *options: str) -> int:
    return main(arguments(folder, name, *options))


def a_space(folder: Path, name: str, choices: list[float], sampler: str = "random", num_samples: int = 5) -> str:
    path = folder / f"{name}.yaml"
    path.write_text(SPACE.format(sampler, num_samples, choices))
    return str(path)


def run_without_training(request: Request) -> list[TrialRecord]:
    """A study as ``launch`` makes and resumes it, on trials that only report numbers."""
    folder = request.create(["test"])
    driver = Driver(folder, request.study, request.run)
    work(driver, 2, random.Random(0))
    driver.close()
    return records_of(folder.ledger_file)


@pytest.fixture
def work_folder(tmp_path: Path) -> Path:
    """A folder with a study ``first``."""
    options = ["--study", a_space(tmp_path, "betas", BETAS)]
    run_without_training(read_request(parse_arguments(arguments(tmp_path, "first", *options))))
    return tmp_path


def test_the_best_points_come_after_the_preset_and_a_resume_repeats_them(work_folder: Path) -> None:
    studies = work_folder / "studies"
    first = records_of(studies / "first" / "ledger.jsonl")
    ranked = [group[0].params for group in ranked_configurations(first)][:4]
    given = [point for point in ranked if point != first[0].params]
    options = ["--study", a_space(work_folder, "again", BETAS, num_samples=2), "--from", "first", "--seed", "7"]
    request = read_request(parse_arguments(arguments(work_folder, "second", *options)))
    assert any("the best points of study first (t0" in note for note in request.notes)
    assert [one.params for one in run_without_training(request)] == [first[0].params, given[0]]

    shutil.rmtree(studies / "first")
    resume = ["--resume", "second", "--study-dir", str(studies), "--num-samples", str(2 + len(given))]
    again = run_without_training(read_request(parse_arguments(resume)))
    assert [one.params for one in again][: 1 + len(given)] == [first[0].params, *given]
    assert [one.origin for one in again] == ["preset", *["given"] * len(given), "sampler"]


def test_a_study_from_an_earlier_one_really_runs_its_points(work_folder: Path) -> None:
    best = ranked_configurations(records_of(work_folder / "studies" / "first" / "ledger.jsonl"))[0][0]
    space = a_space(work_folder, "again", BETAS, num_samples=2)
    with open(space, "a") as file:
        file.write("start_from_preset: false\n")
    assert launch(work_folder, "second", "--study", space, "--from", str(work_folder / "studies" / "first")) == 0
    ran = records_of(work_folder / "studies" / "second" / "ledger.jsonl")
    assert [(one.state, one.origin) for one in ran] == [("completed", "given")] * 2
    assert ran[0].params == best.params


def test_a_point_outside_of_the_space_is_refused_with_key_and_value(
    work_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = ranked_configurations(records_of(work_folder / "studies" / "first" / "ledger.jsonl"))[0][0]
    space = a_space(work_folder, "narrow", [20.0, 30.0])
    assert launch(work_folder, "second", "--study", space, "--from", "first") == 2
    beta = best.params["loss.beta"]
    assert (
        f"--from first: the point of t{best.number:04d} is not one of study 'narrow': loss.beta = {beta} is not in the "
        "space: 20.0, 30.0; take a --study of the same space"
    ) in capsys.readouterr().err
    assert not (work_folder / "studies" / "second").exists()


def test_what_cannot_begin_with_known_points_is_refused(work_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = a_space(work_folder, "whole", [1.0, 2.0], sampler="grid")
    assert launch(work_folder, "second", "--study", whole, "--from", "first") == 2
    assert "--from first: sampler grid goes through all points" in capsys.readouterr().err
    assert launch(work_folder, "second", "--from", "frist") == 2
    assert "--from: no study 'frist' in" in capsys.readouterr().err
    assert launch(work_folder, "second", "--from", "first") == 2
    assert "pseudo_labels.generator has no value" in capsys.readouterr().err


def test_an_earlier_study_without_a_number_to_rank_by_is_refused(
    work_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = work_folder / "studies" / "first" / "ledger.jsonl"
    kept = [line for line in ledger.read_text().splitlines() if json.loads(line)["event"] == "study_created"]
    ledger.write_text("\n".join(kept) + "\n")
    assert launch(work_folder, "second", "--from", "first") == 2
    assert "no trial of it has completed with a number to rank by" in capsys.readouterr().err


def test_first_points_of_a_study_file_lie_in_its_space() -> None:
    tree = {"name": "s", "space": {"loss.beta": {"choices": [1.0, 2.0]}}, "first_points": [{"loss.beta": 2.0}]}
    assert parse_study(parse_study(tree, "s").as_dict(), "s").first_points == ({"loss.beta": 2.0},)
    with pytest.raises(UserError, match=r"s: first_points: 0: loss.beta = 5.0 is not in the space: 1.0, 2.0"):
        parse_study({**tree, "first_points": [{"loss.beta": 5.0}]}, "s")
