"""Points of the user's own, tried before the sampler's."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.cli.arguments import parse_arguments
from study.cli.plan import describe_plan
from study.cli.request import Request, read_request
from study.launch import main
from tests.study.cli.test_earlier_points import SHORT, run_without_training
from tests.study.ledgers import records_of
from trainables.errors import UserError

STUDY = """
num_samples: 4
sampler: random
space:
  pseudo_labels.generator: {choices: [segment_prediction, attention, uniform_random]}
  loss.beta: {choices: [1.0, 2.0, 4.0]}
  training.lr: {low: 0.0001, high: 0.1, log: true}
  pseudo_labels.segments.min_attention:
    {low: 0.1, high: 0.9, step: 0.1, when: {pseudo_labels.generator: [segment_prediction, attention]}}
"""
RANGES = """
  pseudo_labels.sampled_share: {low: 0.2, high: 1.0}
  pseudo_labels.from_last_iterations: {low: 1, high: 9, log: true}
"""


def arguments(folder: Path, *options: str) -> list[str]:
    file = folder / "mine.yaml"
    file.write_text(STUDY)
    return [*SHORT, "--study", str(file), "--study-dir", str(folder / "studies"), "--name", "s", *options]


def request_of(folder: Path, *options: str) -> Request:
    return read_request(parse_arguments(arguments(folder, *options)))


def test_given_points_come_after_the_preset_and_before_the_sampler(tmp_path: Path) -> None:
    whole = "pseudo_labels.generator=attention,loss.beta=2,training.lr=1e-3,min_attention=0.3"
    request = request_of(tmp_path, "--trial", whole, "--trial", "generator=uniform_random, beta=4, lr=0.01")
    records = run_without_training(request)
    assert [one.origin for one in records] == ["preset", "given", "given", "sampler"]
    assert [one.params for one in records[1:3]] == [
        {"pseudo_labels.generator": "attention", "loss.beta": 2.0, "training.lr": 0.001,
         "pseudo_labels.segments.min_attention": 0.3},
        {"pseudo_labels.generator": "uniform_random", "loss.beta": 4.0, "training.lr": 0.01},
    ]  # fmt: skip


def test_what_is_left_out_is_the_presets_and_the_plan_says_so(tmp_path: Path) -> None:
    request = request_of(tmp_path, "--trial", "generator=attention")
    plan = describe_plan(request, None)
    assert "begins with  the preset's point; attention β=2 lr=0.001 αA=0.5\n" in plan
    assert "note         --trial generator=attention: β=2 is the preset's" in plan


def test_a_point_equal_to_the_presets_own_runs_once(tmp_path: Path) -> None:
    request = request_of(tmp_path, "--trial", "beta=2", "--trial", "beta=2", "--num-samples", "1")
    assert [one.origin for one in run_without_training(request)] == ["preset"]


@pytest.mark.parametrize(
    ("trial", "message"),
    [
        ("bta=2", r"--trial: bta: study 'mine' does not vary it. Did you mean 'loss.beta'\?"),
        ("epochs=2", r"--trial: epochs: study 'mine' does not vary it. Known: loss.beta, "),
        ("beta=3", r"--trial: loss.beta = 3 is not in the space: 1.0, 2.0, 4.0; the nearest is 2.0"),
        ("generator=atention", r"generator = 'atention' is not in the space: .*. Did you mean 'attention'\?"),
        ("generator=uniform_random,min_attention=0.3", r"min_attention = 0.3 does not matter beside its other values"),
        ("lr=1", r"--trial: training.lr = 1 is not in the space: 0.0001 to 0.1; the nearest is 0.1"),
        ("beta", r"--trial: 'beta' is not KEY=VALUE"),
        ("from_last_iterations=.nan", r"from_last_iterations = nan is not in the space: 1 to 9$"),
        ("beta=.inf", r"beta = inf is not in the space: 1.0, 2.0, 4.0$"),
        ("beta=2,loss.beta=4", r"--trial beta=2,loss.beta=4: loss.beta has two values; leave one out"),
        ("sampled_share=true", r"sampled_share = True is not in the space: 0.2 to 1.0"),
        ("from_last_iterations=2.5", r"from_last_iterations = 2.5 is not in the space: 1 to 9; the nearest is 2"),
    ],
)
def test_what_is_no_point_of_the_space_is_refused_in_words(tmp_path: Path, trial: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    wide = arguments(tmp_path, "--trial", trial)
    file.write_text(STUDY + RANGES)
    with pytest.raises(UserError, match=message):
        read_request(parse_arguments(wide))


def test_a_whole_number_is_taken_as_one(tmp_path: Path) -> None:
    wide = arguments(tmp_path, "--trial", "from_last_iterations=2.0")
    (tmp_path / "mine.yaml").write_text(STUDY + RANGES)
    (point,) = read_request(parse_arguments(wide)).study.first_points
    assert repr(point["pseudo_labels.from_last_iterations"]) == "2"


def test_a_missing_value_that_the_preset_has_not_in_the_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"--trial beta=4: training.lr: required key is missing, since the preset's 0.5"
    ):
        request_of(tmp_path, "--set", "training.early_stopping=null", "--protocol", "released", "--trial", "beta=4",
                   "--config", str(_config(tmp_path, "training: {lr: 0.5}\n")))  # fmt: skip


def _config(folder: Path, text: str) -> Path:
    file = folder / "best.yaml"
    file.write_text(text)
    return file


def test_more_points_than_the_budget_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--trial: the 2 points that come first, the preset's own among them, need "
                                        r"--num-samples 2 or more, got 1"):  # fmt: skip
        request_of(tmp_path, "--trial", "beta=4", "--num-samples", "1")


def test_a_grid_takes_no_points(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--trial: sampler grid goes through all points"):
        request_of(tmp_path, "--study", "generator-beta", "--trial", "beta=4")


def test_given_points_are_kept_for_a_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments(tmp_path, "--trial", "beta=4"), "--dry-run"]) == 0
    run_without_training(request_of(tmp_path, "--trial", "beta=4", "--num-samples", "2"))
    resume = ["--resume", "s", "--study-dir", str(tmp_path / "studies")]
    run_without_training(read_request(parse_arguments([*resume, "--num-samples", "3"])))
    records = records_of(tmp_path / "studies" / "s" / "ledger.jsonl")
    assert [one.origin for one in records] == ["preset", "given", "sampler"]
    assert "--trial" in _refusal(capsys, [*resume, "--trial", "beta=1"])


def _refusal(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    with pytest.raises(SystemExit):
        parse_arguments(arguments)
    return capsys.readouterr().err
