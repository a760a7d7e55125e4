"""The sentence on top of the report."""

from pathlib import Path

from analysis.report.result import cost_sentence, result_sentences
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_it_says_what_was_chosen_and_how_much_better_it_is(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for seed in range(3):
        made.add(point("attention", 2.0), [30 + seed, 38 + seed], seed, origin="preset")
        made.add(point("attention", 4.0), [30 + seed, 40 + seed], seed)
    sentence, gain, rule = result_sentences(load_study(made.folder))
    assert sentence == (
        "Attention, β=4 is the best: test mAP@0.5 36.00 ± 1.00 % over 3 seeds at η = 1, 1, 1, 10.00 points above the "
        "base model M0 (95 % interval +10.00 to +10.00), 2.00 points above the preset's configuration (95 % interval "
        "+2.00 to +2.00)."
    )
    assert gain == (
        "Refined, 2 of 2 configurations beat M0 by test mAP@0.5, by +9.00 ± 0.00 points; all of them: +9.00 ± 0.00 "
        "points (paired by seed; ± standard error over 3 seeds)."
    )
    assert rule.endswith("were chosen on held-out training videos; the test split was only measured on.")


def test_few_seeds_have_no_interval_and_the_test_split_is_named(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 2.0), [30, 28], split="test", origin="preset")
    sentence, gain, rule = result_sentences(load_study(made.folder))
    assert "0.00 points above the base model M0 (1 seed: too few for an interval)" in sentence
    assert sentence.endswith("it is the preset's configuration.")
    assert gain == (
        "Refined, 0 of 1 configuration beat M0 by test mAP@0.5†; all of them: -2.00 points (paired by seed; one seed, "
        "so without an error)."
    )
    assert rule.startswith("†")


def test_without_annotations_no_map_is_claimed(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 2.0), [30, 40], annotated=False)
    assert "no temporal annotations, so mAP is not known" in result_sentences(load_study(made.folder))[0]


def test_the_cost_is_that_of_all_trials(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 2.0), [30, 40])
    made.add(point("attention", 4.0), [30], state="failed", reason="no")
    assert cost_sentence(load_study(made.folder)) == (
        "It took 2 trials with 3 trainings, 0.1 minutes of trials in all, median 3 s per trial."
    )
