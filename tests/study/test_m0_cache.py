"""What iteration 0 depends on, and that sharing it changes no number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.driver import NoTrial
from study.ledger.folder import StudyFolder
from study.m0_cache import M0Cache, _key_of, m0_key
from tests.study.worlds import driver_of, report_of, run_of, study_of
from tests.trainables.worker.orders import order_of, reports, worker_of
from tests.trainables.worlds import tiny_dataset
from trainables.base_models import BASE_MODELS
from trainables.config import preset
from trainables.data.segment_files import write_predictions
from trainables.files import write_with_digest
from trainables.refinement.refine import after_m0, refine
from trainables.report import IterationReport, M0Origin

ENVIRONMENT = {"data": "abc", "device": "cpu"}
DATA = tiny_dataset()

# Values that iteration 0 must not depend on.
FREE: dict[str, st.SearchStrategy[Any]] = {
    "loss.beta": st.floats(0, 16),
    "loss.pseudo_weighting": st.sampled_from(["none", "background_share"]),
    "loss.pseudo_mean": st.sampled_from(["sampled", "all_snippets"]),
    "pseudo_labels.generator": st.sampled_from(["attention", "uniform_random", "oracle"]),
    "pseudo_labels.sampled_share": st.floats(0.1, 1),
    "pseudo_labels.segments.min_attention": st.floats(0, 1),
    "pseudo_labels.segments.min_class_score": st.floats(0, 1),
    "protocol": st.sampled_from(["released", "paper"]),
    "pseudo_labels.randomness": st.sampled_from(["replicate", "fixed"]),
    "pseudo_labels.from_last_iterations": st.integers(1, 3),
    "refinement.iterations": st.integers(1, 9),
    "refinement.patience": st.sampled_from([None, 1, 3]),
    "refinement.reinitialise": st.booleans(),
    "compute.device": st.sampled_from(["auto", "cpu"]),
    "compute.steps": st.sampled_from(["recorded", "eager"]),
}

# As published they are too large for a test.
SMALL: dict[str, dict[str, Any]] = {
    "basnet": {"model.basnet.length": 16, "model.basnet.hidden": 8, "model.basnet.attention_hidden": 4},
    "wtalc": {"model.wtalc.hidden": 8, "model.wtalc.window": 40},
}


def timeless(report: IterationReport) -> IterationReport:
    return replace(report.without_times(), m0=None)


@pytest.mark.parametrize("model", sorted(BASE_MODELS))
@settings(max_examples=6)
@given(values=st.fixed_dictionaries(FREE))
def test_what_is_not_in_the_key_changes_nothing_in_iteration_0(model: str, values: dict[str, Any]) -> None:
    plain = run_of(model__name=model).updated(SMALL.get(model, {}))
    changed = plain.updated(values)
    assert m0_key(plain, ENVIRONMENT) == m0_key(changed, ENVIRONMENT)
    first = next(refine(plain, DATA))
    shared, own = after_m0(changed, first.state), next(refine(changed, DATA)).state
    assert timeless(shared.reports[0]) == timeless(own.reports[0])
    assert shared.finished == own.finished
    assert all(shared.weights[name].equal(own.weights[name]) for name in own.weights)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1}, {"training.epochs": 3}, {"training.lr": 0.5}, {"model.layers": 1}, {"loss.video": "log_outside"},
        {"prediction.min_attention": 0.3}, {"selection.rule": "held-out"}, {"compute.threads": 2},
        {"pseudo_labels.source": "best_epoch"}, {"dataset.simulation.classes": 5}, {"evaluation.tiou": [0.5, 0.7]},
    ],
)  # fmt: skip
def test_what_iteration_0_depends_on_is_in_the_key(change: dict[str, Any]) -> None:
    plain = run_of(pseudo_labels__source="last_epoch")
    assert m0_key(plain, ENVIRONMENT) != m0_key(plain.updated(change), ENVIRONMENT)
    assert m0_key(plain, ENVIRONMENT) != m0_key(plain, ENVIRONMENT | {"data": "abd"})


def test_recorded_and_eager_steps_have_m0s_of_their_own_where_they_differ_by_rounding() -> None:
    plain, on_gpu = run_of(), ENVIRONMENT | {"device": "cuda"}
    eager = plain.updated({"compute.steps": "eager"})
    assert m0_key(plain, on_gpu) != m0_key(eager, on_gpu)
    assert (
        m0_key(plain, on_gpu) == m0_key(plain.updated({"compute.device": "cuda"}), on_gpu) != m0_key(plain, ENVIRONMENT)
    )
    others = (run.updated({"model.name": "wtalc"}) for run in (plain, eager))
    assert len({m0_key(run, on_gpu) for run in others}) == 1  # no CUDA graphs there


@pytest.mark.parametrize(
    "compute",
    [{}, {"compute.device": "cpu"}, {"compute.steps": "eager"}, {"compute.device": "cpu", "compute.steps": "eager"}],
)
def test_an_m0_of_an_older_version_is_found_under_its_own_key(tmp_path: Path, compute: dict[str, Any]) -> None:
    """There all of ``compute`` was part of it."""
    run = preset("simulated").updated(compute)
    key = _key_of(run, ENVIRONMENT)
    older = M0Cache(StudyFolder(tmp_path / "older"), ENVIRONMENT)
    (tmp_path / "older" / "base").mkdir(parents=True)
    state, predictions = older.folder.m0_files(key)
    predictions.write_text("", encoding="utf-8")
    write_with_digest(state, b"state")
    here = M0Cache(StudyFolder(tmp_path / "here"), ENVIRONMENT)
    (tmp_path / "here" / "base").mkdir(parents=True)
    for same in (run, preset("simulated"), run.updated({"loss.beta": 3.0})):
        assert here.key(same) == key
    assert here.folder.m0_files(key)[0].read_bytes() == state.read_bytes()


@pytest.fixture
def curve(tmp_path: Path) -> Callable[..., list[IterationReport]]:
    """All reports of a trial on a worker of its own."""

    def run(trial: int, shared: bool, beta: float = 2.0) -> list[IterationReport]:
        return reports(worker_of(DATA, order_of(tmp_path, trial, run_of(loss__beta=beta), shares_m0=shared)))

    return run


def test_curves_and_predictions_are_equal_to_the_bit_with_and_without(tmp_path: Path, curve: Any) -> None:
    trained, taken = curve(0, True), curve(1, True)
    assert trained[0].m0 == M0Origin("key", trained=True)
    assert taken[0].m0 == M0Origin("key", trained=False)
    alone = curve(2, False)
    assert [timeless(report) for report in trained] == [timeless(report) for report in alone]
    assert [timeless(report) for report in taken] == [timeless(report) for report in alone]
    for part in ("csv", "m0.csv"):
        written = [(tmp_path / f"t{trial:04d}.{part}").read_bytes() for trial in range(3)]
        assert written[0] == written[1] == written[2]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "no predictions"])
def test_a_damaged_base_model_is_trained_again(tmp_path: Path, curve: Any, damage: str) -> None:
    first = curve(0, True)
    state, predictions = StudyFolder(tmp_path).m0_files("key")
    whole = state.read_bytes()
    if damage == "no predictions":
        predictions.unlink()
    else:
        flipped = whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]
        state.write_bytes({"cut": whole[:-7], "flip": flipped, "empty": b""}[damage])
    again = curve(1, True)
    assert again[0].m0 == M0Origin("key", trained=True)
    assert [timeless(report) for report in again] == [timeless(report) for report in first]


def test_trials_wait_for_the_one_that_trains_their_base_model(tmp_path: Path) -> None:
    driver = driver_of(tmp_path / "s", study_of(seeds=2))
    driver.share_m0(M0Cache(driver.folder, ENVIRONMENT))
    first, other_seed = driver.next_trial(), driver.next_trial()
    assert not isinstance(first, NoTrial)
    assert not isinstance(other_seed, NoTrial)
    assert (first.seed, other_seed.seed) == (0, 1)
    assert driver.next_trial() is NoTrial.WAITING
    key = driver.m0_key(first)
    driver.reported(first.number, replace(report_of(first, 0), m0=M0Origin(key or "", trained=True)))
    third = driver.next_trial()
    assert not isinstance(third, NoTrial)
    assert third.number == 2
    assert first.m0 == M0Origin(key or "", trained=True)


def test_seconds_of_what_was_taken_over_are_saved_not_spent(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    for number, trained in enumerate((True, False)):
        trial = driver.next_trial()
        assert not isinstance(trial, NoTrial)
        for iteration in range(3):
            m0 = M0Origin("k", trained) if iteration == 0 else None
            driver.reported(number, replace(report_of(trial, iteration), m0=m0))
        driver.ended(number, "completed")
    driver.close()
    first, second = driver_of(tmp_path).records.values()
    assert (first.seconds, first.saved_seconds) == (6.0, 0.0)
    assert (second.seconds, second.saved_seconds) == (4.0, 2.0)
    assert second.m0 == M0Origin("k", trained=False)


def test_a_base_model_of_a_study_beside_this_one_is_used_unless_it_is_damaged(tmp_path: Path, curve: Any) -> None:
    curve(0, True)
    here, beside = StudyFolder(tmp_path / "here"), StudyFolder(tmp_path / "beside")
    beside.path.mkdir()
    (tmp_path / "base").rename(beside.path / "base")
    bases = M0Cache(here, ENVIRONMENT)
    assert not bases.ready("other")
    assert bases.ready("key")
    assert here.m0_files("key")[0].read_bytes() == beside.m0_files("key")[0].read_bytes()
    for file in here.m0_files("key"):
        file.unlink()
    beside.m0_files("key")[0].write_bytes(b"torn")
    assert not bases.ready("key")


PREDICTIONS: dict[str, Any] = {"prediction.min_attention": 0.45, "prediction.min_class_score": 0.3}


def test_trials_that_predict_otherwise_share_an_m0_and_report_their_own_numbers(tmp_path: Path) -> None:
    """Whoever comes first, and whichever numbers the cache keeps."""
    plain = run_of(loss__beta=2.0)
    other = plain.updated(PREDICTIONS)
    expected = {0: list(refine(plain, DATA)), 1: list(refine(other, DATA))}
    assert timeless(expected[0][0].report) != timeless(expected[1][0].report)
    for order in ((0, 1), (1, 0)):
        folder = tmp_path / f"first-{order[0]}"
        for trained, trial in zip((True, False), order, strict=True):
            run = (plain, other)[trial]
            one = order_of(folder, trial, run, shares_m0=True)
            assert one.m0 is not None
            found = reports(worker_of(DATA, replace(one, m0=replace(one.m0, prediction=plain.prediction))))
            assert found[0].m0 == M0Origin("key", trained)
            assert [timeless(report) for report in found] == [timeless(one.report) for one in expected[trial]]
            write_predictions(folder / "expected.csv", expected[trial][0].predictions["test"], DATA.classes)
            assert (folder / f"t{trial:04d}.m0.csv").read_bytes() == (folder / "expected.csv").read_bytes()
        kept = StudyFolder(folder).m0_files("key")[1]
        write_predictions(folder / "expected.csv", expected[0][0].predictions["test"], DATA.classes)
        assert kept.read_bytes() == (folder / "expected.csv").read_bytes()


def test_a_study_that_varies_predictions_has_one_m0_for_a_seed(tmp_path: Path) -> None:
    plain = run_of()
    cache = M0Cache(StudyFolder(tmp_path), ENVIRONMENT, plain.prediction)
    assert cache.key(plain.updated(PREDICTIONS)) == cache.key(plain) == m0_key(plain, ENVIRONMENT)
    assert cache.measured_with(plain.updated(PREDICTIONS)) == plain.prediction
    assert cache.key(plain.updated(PREDICTIONS | {"thresholds": "both"})) == cache.key(plain)


def test_where_predictions_choose_the_epoch_each_has_its_own_m0(tmp_path: Path) -> None:
    plain = run_of(training__choice="best_map", selection__rule="paper")
    cache, other = M0Cache(StudyFolder(tmp_path), ENVIRONMENT, plain.prediction), plain.updated(PREDICTIONS)
    assert cache.key(other) == m0_key(other, ENVIRONMENT) != cache.key(plain)
    assert cache.measured_with(other) == other.prediction
