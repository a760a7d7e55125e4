"""The nearest known name."""

from trainables.errors import UserError, nearest


def test_a_close_name_is_proposed_and_otherwise_all_are_listed() -> None:
    assert nearest("atention", ["class_activation", "attention"]) == "Did you mean 'attention'?"
    assert nearest("xyz", {"b", "a"}) == "Known: a, b."


def test_a_user_error_is_a_value_error() -> None:
    """Code that uses the parts as a library catches what it knows."""
    assert issubclass(UserError, ValueError)
