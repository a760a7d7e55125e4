"""The table of real trainings: it goes on where it was stopped, and its records hold what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.search_table import FOLDER, pack, packed, records, show, space, table_run, train, unpacked
from study.config import grid, known_point


def test_trainings_go_on_after_a_line_that_a_kill_has_cut(tmp_path: Path) -> None:
    points = [{"loss.beta": 1.0}, {"loss.beta": 8.0}]
    train("simulated", Path("data"), [0], tmp_path, points[:1])
    path = tmp_path / "simulated-0.jsonl"
    first = path.read_bytes()
    with path.open("a") as file:
        file.write('{"configuration": 1, "se\n')
    train("simulated", Path("data"), [0], tmp_path, points)
    assert path.read_bytes().startswith(first)
    lines = records(tmp_path, "simulated")
    assert [line["configuration"] for line in lines] == [0, 1]
    ours, theirs = ({**line["iterations"][0], "seconds": 0} for line in lines)
    assert ours == theirs  # one M0 for both, trained again after the kill
    rows = pack(tmp_path, "simulated")
    assert len(rows) == 2 * 4
    assert rows["test"].tolist() == [round(e["test"], 3) for line in lines for e in line["iterations"]]


def test_a_training_that_was_done_twice_counts_once(tmp_path: Path) -> None:
    line = '{"configuration": 0, "seed": 0, "iterations": []}\n'
    (tmp_path / "utkinect-0.jsonl").write_text(line * 2)
    assert len(records(tmp_path, "utkinect")) == 1


def test_the_space_has_every_preset_and_the_packed_tables_all_of_it() -> None:
    points = grid(space())
    assert len(points) == 210
    for dataset in ("utkinect", "spoken-digits"):
        assert known_point(space(), table_run(dataset))[0] in points
        with (FOLDER / f"{dataset}.csv").open() as file:
            assert len(file.readlines()) == 1 + 210 * 5 * 4


def test_the_table_of_generators_and_betas_has_all_cells() -> None:
    shown = show("utkinect").splitlines()
    assert len(shown) == 2 + 5
    assert all(line.count("±") == 6 for line in shown[2:])


def test_masks_survive_their_packing() -> None:
    mask = np.random.default_rng(0).random(1001) > 0.5
    assert np.array_equal(unpacked(packed(mask))[:1001], mask)
