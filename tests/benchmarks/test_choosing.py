"""The report on choosing rules, from records of the search table."""

from __future__ import annotations

from pathlib import Path

from benchmarks.choosing import candidates, report_text
from benchmarks.search_table import records, train
from study.config import Point


def test_rules_are_compared_on_what_all_seeds_have(tmp_path: Path) -> None:
    points: list[Point] = [{"loss.beta": 1.0}, {"loss.beta": 8.0}, {"pseudo_labels.generator": "attention"}]
    train("simulated", Path("data"), [0, 1], tmp_path, points)
    train("simulated", Path("data"), [0], tmp_path, [*points, {"loss.beta": 2.0}])
    rows = candidates(records(tmp_path, "simulated"))
    assert len(rows) == 3 * 2 * 4
    assert rows[rows["iteration"] == 0].groupby("seed")["test_map"].nunique().tolist() == [1, 1]
    text = report_text(rows, preset=0)
    assert "3 configurations x 2 seeds x 4 trainings" in text
    assert "annotations of 5 held-out videos" in text
