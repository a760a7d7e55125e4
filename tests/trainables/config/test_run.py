"""What a configuration refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trainables.config.presets import preset
from trainables.config.run import parse_config, whole_tree
from trainables.errors import UserError

BASE = preset("spoken-digits")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("pseudo_labels.sampled_shar", 0.5, "unknown key. Did you mean 'pseudo_labels.sampled_share'?"),
        (
            "pseudo_labels.sampled_share",
            1.5,
            "pseudo_labels.sampled_share: input should be less than or equal to 1, got 1.5",
        ),
        ("training.epochs", "ten", "training.epochs: input should be a valid integer, got 'ten'"),
        ("training.epochs", 2.5, "training.epochs: input should be a valid integer"),
        ("training.epochs", True, "training.epochs: input should be a valid integer"),
        ("model.attention", "three", "model.attention: input should be 'two_value' or 'scalar', got 'three'"),
        ("loss.beta", -1.0, "loss.beta: input should be greater than or equal to 0, got -1.0"),
        ("loss.beta", float("nan"), "loss.beta: input should be a finite number"),
        ("evaluation.tiou", [0.0, 0.5], "evaluation: tiou: thresholds lie in (0, 1], got [0.0]"),
        ("evaluation.selection_tiou", [0.9], "evaluation: selection_tiou: [0.9] must be among tiou"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_its_rule(key: str, value: Any, message: str) -> None:
    with pytest.raises(UserError) as error:
        BASE.updated({key: value})
    assert str(error.value).startswith("--set: ")
    assert message in str(error.value)


def test_an_unknown_key_in_a_file_names_file_key_and_nearest() -> None:
    tree = BASE.model_dump(mode="json")
    tree["pseudo_labels"]["segments"]["min_atention"] = 0.5
    with pytest.raises(UserError) as error:
        parse_config(tree, "my.yaml")
    assert str(error.value) == (
        "my.yaml: pseudo_labels.segments.min_atention: unknown key. Did you mean 'min_attention'?"
    )


def test_every_problem_is_listed() -> None:
    with pytest.raises(UserError) as error:
        parse_config({"dataset": {"name": "x"}, "seed": -1, "sed": 2}, "f")
    assert len(str(error.value).splitlines()) == 2


def test_a_configuration_is_frozen_and_survives_json() -> None:
    with pytest.raises(ValidationError):
        BASE.seed = 3  # type: ignore[misc]
    assert parse_config(BASE.model_dump(mode="json"), "json") == BASE


@pytest.mark.parametrize(
    "values",
    [
        {"selection.signal": "contrast"},
        {"selection.rule": "video-labels"},
        {"selection.rule": "video-labels", "selection.signal": "contrast"},
        {"training.validation_order": "fixed"},
        {"training.validation_order": "shuffled"},
        {"prediction.tune": "thresholds"},
        {"thresholds": "predictions"},
        {"dataset.classes": ["a", "b"], "dataset.train": {"subset": ["x"]}, "dataset.window_frames": 64},
    ],
)
def test_nothing_that_was_set_is_lost_where_the_rest_is_set_later(values: dict[str, Any]) -> None:
    changed = BASE.updated(values)
    assert parse_config(changed.model_dump(mode="json"), "json") == changed
    for key, value in values.items():
        one_by_one = BASE.updated({key: value})
        for other in values.keys() - {key}:
            one_by_one = one_by_one.updated({other: values[other]})
        assert one_by_one == changed


def test_a_signal_that_is_set_before_its_rule_is_kept() -> None:
    run = BASE.updated({"selection.signal": "contrast"}).updated({"selection.rule": "video-labels"})
    assert run.selection.signal == "contrast"


def test_a_signal_is_written_where_it_is_used_or_chosen() -> None:
    def written(**values: str) -> Any:
        changes = {f"selection.{name}": value for name, value in values.items()}
        return BASE.updated(changes).model_dump(mode="json")["selection"].get("signal")

    assert written(rule="held-out") is written(rule="paper") is None
    assert written(rule="video-labels") == "video_loss"
    assert written(rule="held-out", signal="contrast") == "contrast"


def test_a_written_configuration_is_completed_with_what_is_left_out() -> None:
    written = BASE.model_dump(mode="json", exclude={"compute"})
    whole = whole_tree(written)
    assert (whole["thresholds"], whole["prediction"]["tune"]) == ("labels", "none")
    assert whole["training"]["validation_order"] == BASE.training.validation_order
    assert (whole["dataset"]["title"], whole["dataset"]["video_labels"]) == (None, "instances")
    assert "compute" not in whole
    assert written == BASE.model_dump(mode="json", exclude={"compute"})
    assert whole_tree({"thresholds": "both", "loss": {}}) == {"thresholds": "both", "loss": {}}
