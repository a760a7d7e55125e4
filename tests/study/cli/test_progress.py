from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from study.cli.plan import objective_of, point_text, remaining_seconds, seconds_text
from study.cli.progress import Progress, best_text, comparison, iteration_line, m0_text, trial_line
from study.ledger.folder import StudyFolder
from study.ledger.lock import is_driven, lock
from study.ledger.records import TrialRecord
from study.placement.placement import place
from tests.study.worlds import BETA, GENERATOR, MIN_ATTENTION, driver_of, run_of, study_of, work
from trainables.errors import UserError
from trainables.objective import Objective
from trainables.report import IterationReport, Selection, SplitMap, SplitReport


def report(iteration: int, maps: dict[str, float]) -> IterationReport:
    splits = {name: SplitReport(SplitMap(value)) for name, value in maps.items()}
    selection = Selection("held_out", maps["held_out"])
    return IterationReport(iteration, selection, iteration, selection.map, False, seconds=2.0, splits=splits)


def completed(number: int, objective: float, iterations: int = 2, seed: int = 0, of: int | None = None) -> TrialRecord:
    reports = [report(i, {"test": 30.0 + i, "held_out": objective - 5 * (1 - i)}) for i in range(iterations)]
    return TrialRecord(
        number, state="completed", params={GENERATOR: "attention", BETA: 4.0}, seed=seed, iterations=reports,
        objective=objective, best_iteration=1, seconds=4.0, configuration=number if of is None else of,
    )  # fmt: skip


def test_the_oracle_is_an_upper_bound_and_never_the_best() -> None:
    oracle, honest = completed(0, 90.0), completed(1, 50.0)
    oracle.params = {GENERATOR: "oracle"}
    text = comparison([oracle, honest], run_of(selection__rule="held-out")).splitlines()
    assert text[3].split()[:2] == ["best:", "t0001"]
    assert text[-1] == "the oracle (t0000) labels from the annotations: an upper bound, never the best"
    alone = completed(0, 90.0)
    alone.params = {}
    run = run_of(pseudo_labels__generator="oracle")
    assert "an upper bound" in comparison([alone], run)


def test_the_comparison_shows_iteration_0_and_the_chosen_one_on_all_splits() -> None:
    text = comparison([completed(0, 50.0, of=0), completed(1, 60.0, seed=1, of=0)], run_of(selection__rule="held-out"))
    head, names, base, best, gain = text.splitlines()
    assert head == (
        "mAP@0.5 in percent; held_out chose epoch, iteration and configuration (rule: held-out), mean over 2 seeds"
    )
    assert names.split() == ["held_out", "test"]
    assert base.split()[-2:] == ["50.0", "30.0"]
    assert best.split()[:5] == ["best:", "t0000,", "t0001", "55.0", "31.0"]
    assert gain == (
        "refined, 1 of 1 configurations beat M0 on the test split (mAP@0.5) by +1.0 ± 0.0 points; all of them: "
        "+1.0 ± 0.0 (paired by seed; ± standard error over 2 seeds)"
    )


def test_the_comparison_counts_the_trials_that_report_the_number_of_m0() -> None:
    run = run_of(selection__rule="held-out")
    unrefined = completed(1, 60.0)
    unrefined.best_iteration = 0
    text = "1 of 2 trials report M0's own number: none of their refinements selects better"
    assert m0_text([completed(0, 50.0), unrefined, completed(2, 50.0, iterations=1)], run) == text
    assert text in comparison([completed(0, 50.0), unrefined], run).splitlines()
    assert m0_text([completed(0, 50.0)], run) is None


def test_a_line_says_how_a_trial_ended() -> None:
    line = "t0007  completed      50.0 at iteration 1 of 1     4 s  attention β=4"
    assert trial_line(completed(7, 50.0), Objective("mAP@0.5")) == line
    failed = TrialRecord(8, state="failed", params={BETA: 2.0}, reason="ValueError: no")
    assert trial_line(failed, Objective("mAP@0.5")) == "t0008  failed         β=2: ValueError: no"


def test_a_trial_that_refinement_did_not_help_tells_the_refined_number_too() -> None:
    record = completed(7, 50.0)
    record.iterations = [report(0, {"held_out": 50.0}), report(1, {"held_out": 45.1})]
    record.best_iteration = 0
    objective = Objective("mAP@0.5")
    assert "  50.0 at iteration 0 of 1 (refined 45.1)     4 s" in trial_line(record, objective)
    assert best_text([record], objective) == "best mAP@0.5 50.0 (M0; refined 45.1)"
    assert best_text([record, completed(8, 60.0)], objective) == "best mAP@0.5 60.0"
    assert best_text([TrialRecord(0)], objective) == "best mAP@0.5 -"


def test_a_signal_is_told_by_its_name_and_a_loss_without_its_sign() -> None:
    run = run_of(selection__rule="video-labels")
    record = completed(7, -0.41)
    selections = [Selection("held_out", None, "video_loss", value) for value in (None, -0.41)]
    record.iterations = [replace(r, selection=s) for r, s in zip(record.iterations, selections, strict=True)]
    loss = objective_of(run)
    assert "  completed    video loss 0.410 at iteration 1 of 1  " in trial_line(record, loss)
    assert iteration_line(record, record.iterations[1], loss) == "t0007  iteration 1   video loss 0.410  2.0 s"
    head, names, base, best, gain = comparison([record], run).splitlines()
    assert "(rule: video-labels by video loss, which is no mAP and lower where it is better)" in head
    assert names.split() == ["video", "loss", "held_out", "test"]
    assert base.split()[-3:] == ["-", "-5.4", "30.0"]
    assert best.split()[2:5] == ["0.410", "-0.4", "31.0"]
    assert gain.startswith("refined, 1 of 1 configurations beat M0 on the test split (mAP@0.5) by +1.0 points")


def test_a_point_is_told_in_the_papers_symbols() -> None:
    assert point_text({GENERATOR: "attention", BETA: 16.0, MIN_ATTENTION: 0.3, "model.layers": 2}) == (
        "attention β=16 αA=0.3 layers=2"
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "?"), (0.4, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (18_600, "5 h 10 min")]
)
def test_durations_are_told_in_two_units_at_most(seconds: float | None, text: str) -> None:
    assert seconds_text(seconds) == text


def test_the_time_that_is_left_follows_from_iterations_and_places() -> None:
    assert remaining_seconds([], trials=4, iterations=3, concurrency=2) is None
    assert remaining_seconds([], 4, 3, 2, per_iteration=1.0) == 6.0
    running = TrialRecord(
        1, state="running", iterations=[IterationReport(0, Selection("test", 1.0), 0, 1.0, False, seconds=2.0)]
    )
    # The finished trial took 2 iterations of 2 s: one iteration of the running trial and 2 of each other are left.
    assert remaining_seconds([completed(0, 50.0), running], 4, 5, 1) == 2.0 * (1 + 2 * 2)


def test_one_line_per_finished_trial_and_one_more_per_iteration_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for verbose, name in ((False, "quiet"), (True, "verbose")):
        driver = driver_of(tmp_path / name, study_of(num_samples=4))
        progress = Progress(driver.records, 4, driver.run, concurrency=2, verbose=verbose)
        driver.listeners.append(progress)
        work(driver, 2, random.Random(0))
        progress.close()
        printed = capsys.readouterr().out.splitlines()
        assert sum("completed" in line for line in printed) == 4
        assert len(printed) == (4 + 4 * 3 if verbose else 4)


def test_a_second_driver_is_refused_and_a_dead_one_is_not_in_the_way(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    assert not is_driven(folder)
    held = lock(folder)
    assert is_driven(folder)
    with pytest.raises(UserError, match=r"is being driven by process \d+ on "):
        lock(folder)
    held.close()
    assert not is_driven(folder)
    lock(folder).close()


def test_a_placement_reads_as_a_sentence() -> None:
    assert str(place(8, 0, 2)) == "4 trials at a time on 8 cores, no GPU; each: 2 CPU, 2 threads"
    assert str(place(8, 1, 1, gpus_per_trial=0.25)) == (
        "4 trials at a time on 8 cores, 1 GPU; each: 1 CPU, 1 thread, 0.25 GPU"
    )
