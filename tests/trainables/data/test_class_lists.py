"""What labels mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainables.data.class_lists import class_ids, read_class_list, require_named
from trainables.errors import UserError


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("run\njump  high\n\n", ("run", "jump high")),
        ("\ufeff1 run\n2 jump high\n", ("run", "jump high")),
        ("0 run\n1 jump\n", ("run", "jump")),
        ("400m hurdles\n2 person lift\n", ("400m hurdles", "2 person lift")),
        ("2 person lift\n3 point shot\n", ("2 person lift", "3 point shot")),
        ("1 run\njump\n", ("1 run", "jump")),
        ("1 run\n3 jump\n", ("1 run", "3 jump")),
        ("7\n3\n", ("7", "3")),
    ],
)
def test_a_number_in_front_is_an_index_only_where_all_lines_run(
    tmp_path: Path, text: str, names: tuple[str, ...]
) -> None:
    (tmp_path / "classes.txt").write_text(text, encoding="utf-8")
    assert read_class_list(tmp_path / "classes.txt") == names


@pytest.mark.parametrize(("text", "message"), [("", "names no class"), ("a\nb\na\n", "class 'a' stands twice")])
def test_a_list_has_each_class_once(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(UserError, match=message):
        read_class_list(tmp_path / "classes.txt")


def test_names_come_before_numbers() -> None:
    assert class_ids(["run", "jump"], {0: "jump", 1: "run"}) == {"run": 0, "jump": 1, "0": 1, "1": 0}
    assert class_ids(["7", "3"], {0: "7"}) == {"7": 0, "3": 1}


def test_integers_without_a_meaning_are_refused() -> None:
    with pytest.raises(UserError, match=r"p: label 12 is a number.*--classes"):
        require_named(["run", "12"], ["run", "jump"], {}, "p")
    require_named(["run", "12"], ["run", "jump"], {0: "run"}, "p")
    require_named(["12"], ["0", "1"], {}, "p")
    require_named(["swim"], ["run"], {}, "p")
