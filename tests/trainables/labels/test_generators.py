"""Every registered generator."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainables.worlds import random_scores, scores_of, split_of
from trainables.config.run import PseudoLabelConfig, SegmentConfig
from trainables.data.segments import Segments
from trainables.errors import UserError
from trainables.labels.generators import (
    GENERATORS,
    attention,
    class_activation,
    distribution_aware,
    generator_named,
    oracle,
    register,
    segment_prediction,
)

LENGTHS = [9, 1, 14]


@pytest.mark.parametrize("form", ["released", "paper"])
@pytest.mark.parametrize("name", GENERATORS)
class TestEveryGenerator:
    def test_it_labels_every_snippet(self, name: str, form: str) -> None:
        split = split_of(LENGTHS, instances=Segments.of(["v00"], [1.0], [3.0], [0]))
        scores = random_scores(LENGTHS, 4, np.random.default_rng(1))
        mask = GENERATORS[name](scores, split, PseudoLabelConfig(form=form), np.random.default_rng(2))  # type: ignore[arg-type]
        assert mask.shape == (sum(LENGTHS),)
        assert mask.dtype == bool

    def test_the_same_stream_gives_the_same_labels(self, name: str, form: str) -> None:
        split = split_of(LENGTHS)
        scores = random_scores(LENGTHS, 4, np.random.default_rng(1))
        config = PseudoLabelConfig(form=form)  # type: ignore[arg-type]
        first, second = (GENERATORS[name](scores, split, config, np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(first, second)


def test_the_random_generators_have_their_shares_whatever_the_model_says() -> None:
    split = split_of([40_000])
    scores = random_scores([40_000], 2, np.random.default_rng(0))
    for name, share in (("uniform_random", 0.5), ("distribution_aware", 0.6)):
        mask = GENERATORS[name](scores, split, PseudoLabelConfig(), np.random.default_rng(0))
        assert mask.mean() == pytest.approx(share, abs=0.01)


def test_an_unresolved_annotated_share_is_an_error() -> None:
    split, scores = split_of([5]), random_scores([5], 2, np.random.default_rng(0))
    with pytest.raises(UserError, match="foreground_share"):
        distribution_aware(scores, split, PseudoLabelConfig(foreground_share="annotated"), np.random.default_rng())


def test_the_paper_form_thresholds_single_snippets() -> None:
    split = split_of([4])
    scores = scores_of(np.array([[3.0, 0], [0, 0], [0, 3.0], [0, 0]]), np.array([[4.0], [0], [4.0], [-4.0]]), [4])
    config = PseudoLabelConfig(form="paper", segments=SegmentConfig(min_class_score=0.6, min_attention=0.5))
    rng = np.random.default_rng()
    assert class_activation(scores, split, config, rng).tolist() == [True, False, True, False]
    assert attention(scores, split, config, rng).tolist() == [True, False, True, False]


@pytest.mark.parametrize(("end_snippet", "marked"), [("included", 8), ("excluded", 7)])
def test_the_snippet_after_a_segment_is_marked_as_released_only(end_snippet: str, marked: int) -> None:
    attention_logits = np.full((20, 1), -9.0)
    attention_logits[10] = 9.0
    scores = scores_of(np.zeros((20, 2)), attention_logits, [20])
    config = PseudoLabelConfig(end_snippet=end_snippet, segments=SegmentConfig(top_k=1))  # type: ignore[arg-type]
    mask = segment_prediction(scores, split_of([20]), config, np.random.default_rng())
    assert np.flatnonzero(mask).tolist() == list(range(7, 7 + marked))


def test_the_oracle_takes_the_first_class_and_grows_it_as_released() -> None:
    instances = Segments.of(["v00", "v00"], [10.0, 20.0], [12.0, 22.0], [0, 1])
    split = split_of([30], labels=[(0, 1)], snippet_s=1.0, instances=instances)
    scores = random_scores([30], 2, np.random.default_rng(0))
    released = oracle(scores, split, PseudoLabelConfig(), np.random.default_rng())
    written = oracle(scores, split, PseudoLabelConfig(form="paper"), np.random.default_rng())
    assert np.flatnonzero(released).tolist() == list(range(7, 15))
    assert np.flatnonzero(written).tolist() == [10, 11, 20, 21]


def test_an_unknown_generator_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no generator 'atention'. Did you mean 'attention'"):
        generator_named("atention")


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="oracle is registered twice"):
        register(oracle)
