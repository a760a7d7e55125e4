"""Replayed searches: what a rival may use, what it costs, and what its choice is worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.replayed_table import Table, Trainings
from benchmarks.search import best_worth, draw, play, results, text
from benchmarks.search_rivals import RIVALS, SLOW
from benchmarks.search_table import space
from study.config import grid
from tests.house import ROOT

POINTS = grid(space())


def table(noise: float = 0.0) -> Table:
    """A known best configuration, number 7, and M0 below all."""
    rng = np.random.default_rng(0)
    held_out = np.linspace(30, 50, len(POINTS))[:, None, None] + np.array([0.0, 1.0, 2.0, 3.0])
    held_out = np.repeat(held_out, 5, axis=1) + rng.normal(0, noise, (len(POINTS), 5, 4))
    held_out[7] += 40
    held_out[:, :, 0] = 10
    return Table(POINTS, 3, held_out, held_out.copy(), np.ones_like(held_out))


@pytest.mark.parametrize("name", [name for name in RIVALS if name not in SLOW])
def test_every_rival_keeps_its_budget_leaves_a_seed_and_repeats(name: str) -> None:
    known, seeds = table(noise=2.0), [4, 2, 0, 1, 3]
    done, again = (RIVALS[name](known, 16, 5, seeds) for _ in range(2))
    assert done.cost <= 16 + 1  # a pruned training may end beyond it
    assert done.used < 5
    assert done.values == again.values


def test_enough_trainings_find_the_best_configuration() -> None:
    played = play(table(), RIVALS["random"], len(POINTS), 0)
    assert played.worth == pytest.approx(best_worth(table()))
    assert played.beats_m0
    assert played.beats_preset


def test_a_pruned_training_costs_what_it_ran_and_is_never_chosen() -> None:
    known = table()
    done = Trainings(known, [0, 1], budget=9)
    done.run(7, iterations=1)
    assert done.cost == pytest.approx(1 / 3)
    assert RIVALS["TPE, median pruner"](known, 16, 1, [0, 1, 2, 3, 4]).cost >= 15


def test_what_has_ended_is_chosen_although_it_is_pruned_when_it_is_seen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known = table()
    known.held_out[7] = [10, 20, 90, 95]  # late, so that the pruner stops it where there are others
    asked = iter([7, *range(100, 106), 7, *range(106, 150)])
    monkeypatch.setattr("benchmarks.search_rivals.suggest", lambda dimensions, trial: POINTS[next(asked)])
    done = RIVALS["plain Optuna TPE and halving"](known, 9, 0, [0, 1, 2, 3, 4])
    assert next(asked) > 106, "it was seen again"
    assert done.best() == [7]


def test_worth_leaves_out_the_level_of_the_seeds() -> None:
    known = table()
    shifted = Table(POINTS, 3, known.held_out, known.test + np.arange(5)[None, :, None], known.seconds)
    assert shifted.true_worth(shifted.worth[7], [0]) == pytest.approx(shifted.true_worth(shifted.worth[7], [4]))


def test_the_shipped_tables_give_a_result_for_each_budget() -> None:
    found = results(["utkinect"], ["random", "racing"], [16], 3)
    assert found["regret"].between(-20, 40).all()
    assert found[found["rival"] == "random"]["gain"].tolist() == [0.0]
    assert "racing" in text(found)
    assert draw(found).startswith(b"\x89PNG")


def test_a_rival_that_was_played_less_often_says_so() -> None:
    rows = [
        {"dataset": "d", "rival": rival, "budget": budget, "studies": studies, "cost": 1.0}
        | dict.fromkeys(("regret", "regret_se", "gain", "gain_se", "beats_m0", "beats_preset"), 0.5)
        for rival, counts in (("random", (100, 100)), ("slow", (20, 20)), ("slower", (20, 100)))
        for budget, studies in zip((16, 32), counts, strict=True)
    ]
    written = text(pd.DataFrame(rows))
    assert [line.split("|")[1].strip() for line in written.splitlines()[4:]] == [
        "random", "slow (20 studies)", "slower (20, 100 studies)",
    ]  # fmt: skip


def test_the_readme_shows_the_results_that_are_kept() -> None:
    written = text(pd.read_json(ROOT / "benchmarks" / "search_results.json"))
    assert written in (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
