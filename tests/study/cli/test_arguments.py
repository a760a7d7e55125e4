from __future__ import annotations

import pytest

from study.cli.arguments import parse_arguments


def test_what_was_not_given_is_none() -> None:
    given = parse_arguments([])
    assert (given.dataset, given.num_samples, given.resume, given.set) == (None, None, None, None)
    assert given.dry_run is False


def test_values_have_their_types() -> None:
    given = parse_arguments(["--num-samples", "4", "--gpus-per-trial", "0.25", "--trial-timeout", "90", "--seed", "0"])
    assert (given.num_samples, given.gpus_per_trial, given.trial_timeout, given.seed) == (4, 0.25, 90.0, 0)
    assert parse_arguments(["--gpus-per-trial", "auto"]).gpus_per_trial == "auto"


def test_a_resumed_study_may_be_extended_and_placed_anew() -> None:
    given = parse_arguments(["--resume", "s", "--num-samples", "9", "--max-concurrent", "2", "--log-to", "mlflow"])
    assert (given.resume, given.num_samples, given.max_concurrent, given.log_to) == ("s", 9, 2, "mlflow")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume", "s", "--seed", "0"], "--seed: study 's' has its own already; leave --seed out with --resume"),
        (["--resume", "s", "--asynchronous"], "--asynchronous: study 's' has its own already"),
        (["--rerun", "s", "1", "--num-samples", "2"], "--num-samples: study 's' has its own already"),
        (["--rerun", "s", "one"], "--rerun: the trial is a number, as 7 or t0007, got 'one'"),
        (["--rerun", " ", "1"], "--rerun: the name of the study is empty"),
        (["--probe"], "--probe: tells what a study would cost; give --dry-run with it"),
        (["--trial-timeout", "1e10"], "--trial-timeout: must be at most 100000000 seconds, got '1e10'"),
        (["--trial-timeout", "0"], "--trial-timeout: must be a number of seconds above 0, got '0'"),
        (["--trial-timeout", "nan"], "--trial-timeout: must be a number of seconds above 0, got 'nan'"),
        (["--gpus-per-trial", "inf"], "--gpus-per-trial: must be 'auto' or a number, 0 or more, got 'inf'"),
        (["--datset", "x"], "--datset: unknown option. Did you mean '--dataset'?"),
    ],
)
def test_a_wrong_option_ends_in_one_line_with_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(arguments)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {message}")
    assert len(error.splitlines()) == 1
