"""What a study was asked for; what is missing or odd gets its default."""

from typing import Any

import pytest

from analysis.settings import Dimension, StudyFacts
from study.ledger.settings import StudySettings
from tests.analysis.study_folders import settings


def facts(**tree: Any) -> StudyFacts:
    return StudyFacts.of(StudySettings.from_json({"run": {}, "study": {}, "format": 1, **tree}))


def test_what_the_file_says() -> None:
    study = {"num_samples": 4, "seeds": 3, "space": {"loss.beta": {"choices": [1.0, 4.0, 2.0]}}}
    found = facts(**settings("s", study=study))
    assert (found.name, found.dataset, found.features, found.title) == ("s", "thumos14", "i3d", "THUMOS14 (I3D)")
    assert (found.tiou, found.selection_tiou, found.evaluation_protocol) == ((0.3, 0.5), (0.5,), "activitynet")
    assert found.num_trials == 12
    assert found.space["loss.beta"].edges == (1.0, 4.0)


@pytest.mark.parametrize(
    "tree", [{}, {"run": {"evaluation": 3, "dataset": "x"}, "study": {"space": [], "seeds": "x"}, "card": {}}]
)
def test_what_is_missing_or_of_another_type_has_its_default(tree: dict[str, Any]) -> None:
    found = facts(**tree)
    assert (found.name, found.title, found.seeds, found.tiou) == (None, "unnamed data", 1, (0.5,))


def test_half_a_surrogate_pair_can_be_written() -> None:
    assert facts(dataset={"title": "a\ud800"}).title == "a?"


def test_commands_are_shown_as_they_can_be_typed() -> None:
    assert facts(command=["python", "a b"]).command == "python 'a b'"
    assert facts(command=["python -m x"]).command == "python -m x"


def test_ranges_have_edges_and_words_have_none() -> None:
    assert Dimension.from_json({"low": 0.2, "high": 1.0, "when": {"g": ["a"]}}) == Dimension(
        low=0.2, high=1.0, when=(("g", ("a",)),)
    )
    assert Dimension.from_json({"when": {"g": "abc", "h": 5}}).when == (("g", ("abc",)), ("h", (5,)))
    assert Dimension.from_json({"low": 0.2, "high": 1.0}).edges == (0.2, 1.0)
    assert Dimension.from_json({"choices": ["a", "b"]}).edges is None
