"""Settings as rows of tables."""

from analysis.report.settings import card_tables, dimension_text, fact_text
from analysis.settings import Dimension


def test_splits_of_the_card_are_columns() -> None:
    card = {
        "videos": 3,
        "classes": ["a", "b"],
        "splits": {"train": {"videos": 2, "hours": 0.123456}, "test": {"videos": 1}},
    }
    single, splits = card_tables(card)
    assert single.rows == [["videos", "3"], ["classes", "a, b"]]
    assert (splits.header, splits.rows) == (["train", "test"], [["videos", "2", "1"], ["hours", "0.1235", "–"]])
    assert card_tables({}) == []


def test_facts_and_dimensions_are_text() -> None:
    assert fact_text({"a_b": [1, 2.5]}) == "a b: 1, 2.5"
    assert dimension_text(Dimension(choices=(1, 2), when=(("g", ("x", "y")),))) == "1, 2 (matters where g: x, y)"
    assert dimension_text(Dimension(low=0.2, high=1.0, step=0.1)) == "0.2 to 1.0, step 0.1"
