"""The benchmark of choosing rules: its records hold what they say, and it goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from benchmarks.choosing import candidates, collect, packed, points, read_lines, report_text, unpacked
from study.config import load_study_config
from trainables.config import preset


def test_records_are_gone_on_with_and_reported(tmp_path: Path) -> None:
    out = tmp_path / "simulated.jsonl"
    collect("simulated", Path("data"), 1, 2, 2, out)
    first = out.read_bytes()
    with out.open("a") as file:
        file.write('{"configuration": 1, "se')
        file.write("\n")
    collect("simulated", Path("data"), 3, 2, 2, out)
    assert out.read_bytes().startswith(first)
    lines = read_lines(out)
    assert sorted((line["configuration"], line["seed"]) for line in lines) == [(c, s) for c in range(3) for s in (0, 1)]
    rows = candidates(lines)
    assert len(rows) == 3 * 2 * 2
    m0 = rows[rows["iteration"] == 0].groupby("seed")["test_map"].nunique()
    assert m0.tolist() == [1, 1]
    text = report_text(rows)
    assert "3 configurations x 2 seeds x 2 iterations" in text
    assert "annotations of 5 held-out videos" in text


def test_points_begin_with_the_preset_and_repeat() -> None:
    run = preset("spoken-digits")
    found = list(points(load_study_config("search"), run, 6))
    assert found == list(points(load_study_config("search"), run, 6))
    assert found[0]["pseudo_labels.generator"] == run.pseudo_labels.generator
    assert len({json.dumps(point) for point in found}) == 6


def test_masks_survive_their_packing() -> None:
    mask = np.random.default_rng(0).random(1001) > 0.5
    assert np.array_equal(unpacked(packed(mask))[:1001], mask)
