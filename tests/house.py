"""Import depth and circles of the rooms: ``python -m tests.house`` prints what ``test_house`` asserts.

A room is a folder of a top-level package, or a module that stands beside the folders. The floor of a room is one above
the highest room of the same package that it imports, wherever in the file the import stands.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("trainables", "study", "analysis")

Graph = dict[str, set[str]]


def modules(package: str) -> dict[str, Path]:
    """Dotted name -> file of every module of a top-level package."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    """``trainables.data`` of ``trainables.data.segments``. A command that nobody imports is above all rooms."""
    if module.endswith(".__main__"):
        return module
    return ".".join(module.split(".")[:2])


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, also inside of functions; not what is for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_graph(package: str) -> Graph:
    """What each module imports of its own package."""
    known = modules(package)
    return {name: (imports(path) & set(known)) - {name, package} for name, path in known.items()}


def room_graph(package: str) -> Graph:
    """What each room imports of the other rooms."""
    graph: Graph = {}
    for name, others in module_graph(package).items():
        if name != package:
            graph.setdefault(room(name), set()).update({room(other) for other in others} - {room(name)})
    return graph


def circles(graph: Graph) -> list[str]:
    """Names that reach themselves."""
    return sorted(name for name in graph if name in _reached(graph, graph[name]))


def floors(graph: Graph) -> dict[str, int]:
    """Name -> floor, 1 for what imports nothing; the graph has no circle."""
    found: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in found:
            found[name] = 1 + max((floor(other) for other in graph[name]), default=0)
        return found[name]

    for name in graph:
        floor(name)
    return found


def _reached(graph: Graph, start: Iterable[str]) -> set[str]:
    seen, waiting = set(), list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen


def main() -> None:
    for package in PACKAGES:
        graph = room_graph(package)
        print(f"{package}: {len(graph)} rooms, circles {circles(graph) or 'none'}")
        for name, floor in sorted(floors(graph).items(), key=lambda item: -item[1]):
            print(f"  floor {floor}  {name}")


if __name__ == "__main__":
    main()
