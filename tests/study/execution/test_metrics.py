"""What a study tells Ray's metrics, and that the Grafana board asks for nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from study.execution import metrics
from study.execution.metrics import COUNTERS, GAUGES, STATES, Reading, StudyMetrics, study_readings, trial_readings
from study.ledger import TrialEnded
from study.ledger.records import TrialRecord
from tests.study.worlds import BETA, GENERATOR, driver_of, report_of, run_of

BOARD = Path(__file__).parents[3] / "docs" / "monitoring" / "grafana.json"
LABELS = {"study": "s", "trial": "t0007", "generator": "attention", "beta": "4", "seed": "2"}


def record_of(**changes: Any) -> TrialRecord:
    record = TrialRecord(7, "running", {GENERATOR: "attention", BETA: 4.0}, seed=2, **changes)
    record.iterations = [report_of(record, iteration) for iteration in range(2)]
    return record


def expressions() -> list[str]:
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return asked + [one["query"]["query"] for one in board["templating"]["list"] if one["type"] == "query"]


def names() -> set[str]:
    """As Prometheus knows them."""
    return {f"ray_{name}" for name in GAUGES} | {f"ray_{name}_total" for name in COUNTERS}


def test_the_board_asks_for_every_metric_and_for_no_other() -> None:
    assert {name for text in expressions() for name in re.findall(r"ray_\w+", text)} == names()


def test_the_board_asks_for_labels_that_the_metrics_have() -> None:
    for text in expressions():
        for name, inside in re.findall(r"ray_(\w+?)(?:_total)?\{(.*?)\}", text):
            assert set(re.findall(r"(\w+)[=!]", inside)) <= set((GAUGES | COUNTERS)[name].labels)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Debian's prometheus")
def test_prometheus_understands_every_expression_of_the_board(tmp_path: Path) -> None:
    asked = [text.replace("$study", ".*") for text in expressions() if not text.startswith("label_values")]
    rules = [{"record": f"checked:{number}", "expr": text} for number, text in enumerate(asked)]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", "rules.json"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(asked)} rules found" in done.stdout


def test_a_trial_tells_the_numbers_of_its_last_iteration() -> None:
    record = record_of()
    last, told = record.iterations[-1], list(trial_readings("s", record, run_of(), gpus=0.25, gpu_bytes=10))
    assert Reading("refineloc_trial_iteration", 1, LABELS) in told
    assert Reading("refineloc_trial_selection", last.selection.map or 0.0, LABELS) in told
    assert Reading("refineloc_trial_gpu_share", 0.25, LABELS) in told
    assert Reading("refineloc_trial_gpu_bytes", 10, LABELS) in told
    maps = {one.labels["split"]: one.value for one in told if one.gauge == "refineloc_trial_map"}
    assert maps == {split: last.selection_map(split) for split in ("held_out", "test", "train")}


def test_what_a_trial_does_not_have_is_not_told() -> None:
    record = TrialRecord(7, "running", {BETA: 4.0}, seed=2)
    assert list(trial_readings("s", record, run_of())) == []


def test_a_study_tells_every_state_its_best_and_its_time() -> None:
    done = record_of(objective=50.0)
    done.state = "completed"
    oracle = TrialRecord(8, "completed", {GENERATOR: "oracle"}, objective=99.0)
    told = list(study_readings("s", [done, oracle], 6, run_of(), 2))
    states = {one.labels["state"]: one.value for one in told if one.gauge == "refineloc_trials"}
    assert states == dict.fromkeys(STATES, 0) | {"completed": 2}
    assert Reading("refineloc_best_selection", 50.0, {"study": "s"}) in told
    assert any(one.gauge == "refineloc_eta_seconds" and one.value > 0 for one in told)


class Recorded:
    """In the place of Ray's gauges and counters."""

    made: dict[str, Recorded] = {}  # noqa: RUF012

    def __init__(self, name: str, description: str, tag_keys: tuple[str, ...]) -> None:
        self.labels, self.values = tag_keys, list[tuple[float, dict[str, str]]]()
        Recorded.made[name] = self

    def set(self, value: float, labels: dict[str, str]) -> None:
        assert set(labels) == set(self.labels)
        self.values.append((value, labels))

    inc = set


def test_gauges_are_set_again_and_again_and_a_trial_stays_a_while_after_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ray.util.metrics.Gauge", Recorded)
    monkeypatch.setattr("ray.util.metrics.Counter", Recorded)
    driver = driver_of(tmp_path)
    told = StudyMetrics("s", driver.records, 12, run_of(), 2)
    driver.listeners.append(told)
    trial = driver.next_trial()
    assert isinstance(trial, TrialRecord)
    driver.started(trial.number, "host", 1, "cpu")
    driver.reported(trial.number, report_of(trial, 0))
    driver.retried(trial.number, "its worker was lost", None)
    driver.started(trial.number, "host", 1, "cpu")
    driver.ended(trial.number, "completed")
    told.close()
    assert [value for value, _ in Recorded.made["refineloc_iterations"].values] == [1]
    assert [value for value, _ in Recorded.made["refineloc_retries"].values] == [1]
    assert Recorded.made["refineloc_trial_iteration"].values[-1][0] == 0
    monkeypatch.setattr(metrics, "SHOWN_S", -1.0)
    told(TrialEnded(trial.number, "completed"), trial)
    assert {reading.gauge for reading in told._readings()} & {"refineloc_trial_iteration"} == set()
    driver.close()
