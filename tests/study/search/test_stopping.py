from __future__ import annotations

import pytest

from study.search.stopping import search_end
from trainables.objective import Objective


def values(*found: float | None) -> dict[int, float | None]:
    return dict(enumerate(found))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ((50.0, 59.9), None),
        ((50.0, 60.0, 70.0), "configuration 1 reached the target 60 (60.0)"),
        ((None, 61.24), "configuration 1 reached the target 60 (61.2)"),
    ],
)
def test_the_first_configuration_that_reaches_the_target_ends_a_search(
    found: tuple[float | None, ...], reason: str | None
) -> None:
    assert search_end(values(*found), 60.0, None) == reason


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        ((50.0, 40.0), False),
        ((50.0, 40.0, 50.0), True),  # an equal one is no better
        ((50.0, 40.0, 51.0, 30.0), False),
        ((50.0, None, None), True),
        ((None, None), True),
        ((-3.0, -4.0, -2.0, -2.5), False),
    ],
)
def test_patience_counts_configurations_since_the_best(found: tuple[float | None, ...], ends: bool) -> None:
    assert (search_end(values(*found), None, 2) is not None) is ends


def test_what_ended_a_search_is_told_with_its_number() -> None:
    assert search_end(values(50.0, 40.0, 30.0, 99.0), None, 2) == (
        "none of 2 configurations after configuration 0 (50.0) is better"
    )
    assert search_end(values(None, None), None, 2) == "none of 2 configurations has a result"


LOSS = Objective("mAP@0.5", "video_loss")


@pytest.mark.parametrize("target", [0.4, -0.4])
def test_a_loss_is_given_and_told_without_the_sign_of_the_ledger(target: float) -> None:
    assert search_end(values(-0.7, -0.5), target, None, LOSS) is None
    assert search_end(values(-0.7, -0.3991), target, None, LOSS) == (
        "configuration 1 reached the target 0.4 (video loss 0.399)"
    )
    assert search_end(values(-0.5, -0.6), None, 1, LOSS) == (
        "none of 1 configurations after configuration 0 (video loss 0.500) is better"
    )
