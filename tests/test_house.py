"""The rooms of the house (docs/architecture.md): how high it is, and that no import runs back up."""

from __future__ import annotations

import pytest

from tests.house import PACKAGES, circles, floors, imports, module_graph, modules, room, room_graph

HIGHEST = {"trainables": 9, "study": 5, "analysis": 6}
# What a package may import of the others.
BELOW = {
    "trainables": set(),
    "study": {"trainables"},
    "analysis": {"study.ledger", "trainables.command_line", "trainables.commands", "trainables.config",
                 "trainables.counts", "trainables.data",
                 "trainables.evaluation", "trainables.errors",
                 "trainables.files", "trainables.json_types", "trainables.objective", "trainables.output",
                 "trainables.report"},
}  # fmt: skip


@pytest.mark.parametrize("package", PACKAGES)
class TestEveryPackage:
    def test_no_import_runs_in_a_circle(self, package: str) -> None:
        assert circles(room_graph(package)) == []
        assert circles(module_graph(package)) == []

    def test_it_has_no_more_floors_than_planned(self, package: str) -> None:
        found = floors(room_graph(package))
        # A command stands on the roof: nothing imports it.
        assert max(floor for name, floor in found.items() if not name.endswith(".__main__")) <= HIGHEST[package]

    def test_it_imports_of_the_others_only_what_lies_below(self, package: str) -> None:
        others = {other for name in PACKAGES if name != package for other in modules(name)}
        used = {other for path in modules(package).values() for other in imports(path) & others} - set(PACKAGES)
        assert {other for other in used if room(other) not in BELOW[package] and other.split(".")[0] not in
                BELOW[package]} == set()  # fmt: skip
