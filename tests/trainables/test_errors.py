"""The nearest known name."""

import pytest

from trainables.errors import UserError, nearest

KEYS = ["dataset.simulation.seed", "loss.beta", "prediction.min_attention", "pseudo_labels.segments.min_attention",
        "seed", "training.epochs"]  # fmt: skip


def test_a_close_name_is_proposed_and_otherwise_all_are_listed() -> None:
    assert nearest("atention", ["class_activation", "attention"]) == "Did you mean 'attention'?"
    assert nearest("xyz", {"b", "a"}) == "Known: a, b."
    assert nearest("xyz", {"b", "a"}, "--help lists all.") == "--help lists all."


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("thumos", ["activitynet12", "thumos14"], "thumos14"),
        ("Thumos15", ["activitynet12", "thumos14"], "thumos14"),
        ("digits", ["spoken-digits", "utkinect"], "spoken-digits"),
        ("--gpus", ["--gpus-per-trial", "--seed"], "--gpus-per-trial"),
        ("beta", KEYS, "loss.beta"),
        ("pseudo_labels.bta", KEYS, "loss.beta"),
        ("epoch", KEYS, "training.epochs"),
        ("seeds", KEYS, "seed"),
        ("min_attention", KEYS, "prediction.min_attention' or 'pseudo_labels.segments.min_attention"),
    ],
)
def test_what_is_near_is_proposed(name: str, known: list[str], meant: str) -> None:
    assert nearest(name, known) == f"Did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("mine", ["activitynet12", "simulated", "spoken-digits", "thumos14", "utkinect"]),
        ("utd", ["simulated", "utkinect"]),
        ("foo.bar", KEYS),
        ("--fooo", ["--from", "--seed"]),
        ("x", []),
    ],
)
def test_nothing_is_proposed_where_nothing_is_near(name: str, known: list[str]) -> None:
    assert nearest(name, known).startswith("Known:")


def test_a_user_error_is_a_value_error() -> None:
    """Code that uses the parts as a library catches what it knows."""
    assert issubclass(UserError, ValueError)
