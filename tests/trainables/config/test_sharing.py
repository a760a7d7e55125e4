from __future__ import annotations

import pytest

from tests.study.worlds import run_of
from trainables.config.sharing import check_joint, joint_key
from trainables.errors import UserError


@pytest.mark.parametrize(
    "values",
    [
        {"loss.beta": 8.0},
        {"pseudo_labels.generator": "attention"},
        {"pseudo_labels.sampled_share": 0.5},
        {"refinement.iterations": 9},
        {"refinement.patience": None},
        {"protocol": "paper"},
        {"prediction.min_attention": 0.1},
        {"thresholds": "both"},
    ],
)
def test_runs_that_differ_in_labels_beta_or_the_outer_loop_train_together(values: dict[str, object]) -> None:
    assert joint_key(run_of()) == joint_key(run_of().updated(values))


@pytest.mark.parametrize(
    "values",
    [
        {"seed": 1},
        {"training.lr": 0.5},
        {"training.batch_videos": 3},
        {"loss.video": "log_outside"},
        {"model.layers": 1},
        {"compute.dtype": "bfloat16"},
        {"selection.held_out_share": 0.5},
    ],
)
def test_runs_that_differ_in_batches_network_or_precision_do_not(values: dict[str, object]) -> None:
    assert joint_key(run_of()) != joint_key(run_of().updated(values))


def test_where_predictions_choose_the_epoch_they_are_part_of_the_key() -> None:
    run = run_of(training__choice="best_map")
    assert joint_key(run) != joint_key(run.updated({"prediction.min_attention": 0.1}))


def test_a_base_model_without_joint_training_is_refused_with_what_to_do() -> None:
    check_joint(run_of())
    with pytest.raises(UserError, match=r"^--trials-per-process: .*wtalc.*only those of refineloc; leave it out$"):
        check_joint(run_of(model__name="wtalc"))
