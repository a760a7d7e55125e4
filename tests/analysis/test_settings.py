"""study.json as a value; what is missing or odd gets its default."""

import pytest

from analysis.settings import Dimension, StudySettings, folder_name
from tests.analysis.study_folders import settings


def test_what_the_file_says() -> None:
    tree = settings("s", study={"num_samples": 4, "seeds": 3, "space": {"loss.beta": {"choices": [1.0, 4.0, 2.0]}}})
    found = StudySettings.from_json(tree)
    assert (found.name, found.dataset, found.features, found.title) == ("s", "thumos14", "i3d", "THUMOS14 (I3D)")
    assert (found.tiou, found.selection_tiou, found.evaluation_protocol) == ((0.3, 0.5), (0.5,), "activitynet")
    assert found.num_trials == 12
    assert found.space["loss.beta"].edges == (1.0, 4.0)


@pytest.mark.parametrize("tree", [{}, {"run": [], "study": 3, "dataset": "x", "card": None, "versions": 1}])
def test_what_is_missing_or_of_another_type_has_its_default(tree: dict[str, object]) -> None:
    found = StudySettings.from_json(tree)
    assert (found.name, found.title, found.seeds, found.tiou) == (None, "unnamed data", 1, (0.5,))


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/tmp/x", "a/b", ".hidden", "a\nb", "x" * 300, None])
def test_what_could_lead_elsewhere_is_no_name(name: str | None) -> None:
    assert folder_name(name) is None


@pytest.mark.parametrize("name", ["a b & c", "日本語", "x$y"])
def test_what_stays_in_its_folder_is_a_name(name: str) -> None:
    assert folder_name(name) == name


def test_half_a_surrogate_pair_can_be_written() -> None:
    assert StudySettings.from_json({"dataset": {"title": "a\ud800"}}).title == "a?"


def test_commands_are_shown_as_they_can_be_typed() -> None:
    assert StudySettings.from_json({"command": ["python", "a b"]}).command == "python 'a b'"
    assert StudySettings.from_json({"command": ["python -m x"]}).command == "python -m x"


def test_ranges_have_edges_and_words_have_none() -> None:
    assert Dimension.from_json({"low": 0.2, "high": 1.0, "when": {"g": ["a"]}}) == Dimension(
        low=0.2, high=1.0, when=(("g", ("a",)),)
    )
    assert Dimension.from_json({"low": 0.2, "high": 1.0}).edges == (0.2, 1.0)
    assert Dimension.from_json({"choices": ["a", "b"]}).edges is None
