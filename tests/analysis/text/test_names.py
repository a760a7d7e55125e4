"""What things are called."""

from analysis.settings import ALPHA_A, BETA, GENERATOR, SAMPLED_SHARE
from analysis.text.names import configuration_text, generator_name, generator_order, label, short_key, short_keys


def test_generators_come_in_the_papers_order_the_oracle_last() -> None:
    assert generator_order(["oracle", "new", "segment_prediction", "attention"]) == [
        "attention", "segment_prediction", "new", "oracle"
    ]  # fmt: skip
    assert generator_name("my_own") == "My own"


def test_keys_have_the_papers_symbols() -> None:
    assert [short_key(key) for key in (BETA, SAMPLED_SHARE, ALPHA_A, "optimizer.lr")] == ["β", "S", "αA", "lr"]


def test_a_configuration_in_one_line() -> None:
    text = f'{{"{BETA}": 4.0, "{GENERATOR}": "segment_prediction"}}'
    assert configuration_text(text) == "β=4"
    assert configuration_text(text, generator=True) == "Segment prediction, β=4"
    assert configuration_text("{}") == "as configured"


def test_keys_of_one_last_word_stay_whole_where_both_are_there() -> None:
    one, two = "prediction.inflation", "pseudo_labels.segments.inflation"
    assert short_keys([BETA, one]) == {BETA: "β", one: "inflation"}
    assert short_keys([one, two]) == {one: one, two: two}
    assert configuration_text(f'{{"{one}": 1, "{two}": 2}}') == f"{one}=1, {two}=2"


def test_labels_are_plain() -> None:
    assert label("a b_&", "top") == "a-b-top"
