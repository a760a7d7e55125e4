"""Summaries and a small table for the tests of tables."""

from analysis.results.statistics import Summary
from analysis.tables.grid import Cell, Grid


def summary(mean: float, n: int = 1, std: float = float("nan")) -> Summary:
    return Summary(mean, std, n, (0,), (0,), (1,), (1,))


def seeded(*values: float, seeds: tuple[int, ...] = (0, 1, 2)) -> Summary:
    mean = sum(values) / len(values)
    return Summary(mean, 1.0, len(values), (0,), seeds[: len(values)], (1,), (1,), values)


GRID = Grid(
    "small", "demo-small", "5 % of a_b ± β", "β",
    ["Pseudo labels", "0", "1"],
    [
        [Cell("A & B"), Cell("9.66"), Cell("12.30", bold=True, underline=True)],
        [Cell("C"), Cell("9.66", covered=True), Cell()],
    ],
)  # fmt: skip
