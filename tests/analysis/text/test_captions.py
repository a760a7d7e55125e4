"""What stands under a table, and what is said once for all of them."""

from pathlib import Path

from analysis.study import load_study
from analysis.text.captions import caption, data_title, evaluation_text, how_made, metric_name, objective_name
from tests.analysis.study_folders import StudyFolder, paper_like, point, settings


def test_a_caption_says_unit_data_seeds_and_selection(tmp_path: Path) -> None:
    paper_like(tmp_path / "s", seeds=2)
    text = caption(load_study(tmp_path / "s"), "What")
    for fact in ("What: mAP@0.5 in % on the test videos of THUMOS14 (I3D)", "mean ± standard deviation over 2 seeds",
                 "chosen on held-out training videos"):  # fmt: skip
        assert fact in text
    assert "†" not in text
    assert "simulated" not in text
    assert text.count(". ") == 0  # one sentence; the marks, where there are any, are the second
    assert caption(load_study(tmp_path / "s"), "What", ["a: b", "c: d"]).endswith(" videos. A: b; c: d.")


def test_the_rest_is_said_once_for_all_tables(tmp_path: Path) -> None:
    made = paper_like(tmp_path / "s", seeds=2)
    made.add(point("attention", 1.0), [], state="failed", reason="no")
    text = " ".join(how_made(load_study(tmp_path / "s")))
    for fact in ("Settings: released", "ActivityNet-style evaluation over 60 videos with 150 instances",
                 "51 trials (50 completed, 1 failed)", "η = 0 is the base model M0"):  # fmt: skip
        assert fact in text


def test_a_sentence_may_begin_with_a_symbol_of_the_paper(tmp_path: Path) -> None:
    paper_like(tmp_path / "s", seeds=2)
    assert any(line.startswith("η counts refinement iterations") for line in how_made(load_study(tmp_path / "s")))


def test_numbers_chosen_on_the_test_split_are_marked(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30, 40], split="test")
    text = caption(load_study(tmp_path / "s"), "What")
    assert "mAP@0.5†" in text
    assert "one seed (0)" in text
    assert "†chosen on the test split itself" in text
    assert any("†Epoch, iteration and configuration" in fact for fact in how_made(load_study(tmp_path / "s")))


def test_a_model_that_takes_its_last_epoch_has_none_chosen(tmp_path: Path) -> None:
    run = {**settings("s")["run"], "training": {"choice": "last"}}
    StudyFolder(tmp_path / "s", run=run).add(point("attention", 1.0), [30, 40], split="test")
    text = " ".join(how_made(load_study(tmp_path / "s")))
    assert "†Iteration and configuration were chosen on the test split itself" in text


def test_simulated_data_and_notes_are_told(tmp_path: Path) -> None:
    about = {"name": "simulated", "title": "Drawn data", "simulated": True, "notes": ["timelines are composed"]}
    StudyFolder(tmp_path / "s", dataset=about).add(point("attention", 1.0), [30, 40])
    study = load_study(tmp_path / "s")
    assert data_title(study) == "Drawn data (I3D) (simulated)"
    assert "Drawn data (I3D) (simulated)" in caption(study, "What")
    assert {"Timelines are composed.", "The data are simulated."} <= set(how_made(study))


def test_average_map_is_called_so(tmp_path: Path) -> None:
    run = settings("s")["run"]
    run["evaluation"]["selection_tiou"] = [0.5 + 0.05 * i for i in range(10)]
    StudyFolder(tmp_path / "s", run=run).add(point("attention", 1.0), [30, 40])
    assert metric_name(load_study(tmp_path / "s")) == "average mAP (0.5:0.05:0.95)"


def test_a_protocol_is_called_by_its_name(tmp_path: Path) -> None:
    run = settings("s")["run"]
    run["evaluation"]["protocol"] = "wtalc"
    StudyFolder(tmp_path / "s", run=run).add(point("attention", 1.0), [30, 40])
    study = load_study(tmp_path / "s")
    assert evaluation_text(study) == "W-TALC's evaluation"
    assert "a class without detections makes its mAP 0" in " ".join(how_made(study))


def test_a_choice_by_video_labels_is_no_map(tmp_path: Path) -> None:
    run = settings("s")["run"]
    run["selection"] = {"rule": "video-labels", "signal": "label_agreement"}
    StudyFolder(tmp_path / "s", run=run).add(point("attention", 1.0), [30, 40])
    study = load_study(tmp_path / "s")
    assert objective_name(study) == "selection label agreement (%)"
    assert "without temporal annotations" in caption(study, "What")
