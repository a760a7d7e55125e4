from __future__ import annotations

from pathlib import Path

import pytest
import torch

from study.cli.model_weights import MissingWeights, stored_weights
from study.ledger.folder import StudyFolder
from study.ledger.records import TrialRecord
from tests.study.worlds import run_of
from tests.trainables.worlds import tiny_dataset
from trainables.model.weights import write_weights
from trainables.refinement.refine import refine
from trainables.worker.belonging import trial_owner
from trainables.worker.checkpoint import save_state

RUN = run_of(refinement__iterations=1, pseudo_labels__source="best_epoch")


def test_weights_are_those_that_the_trial_kept_else_of_its_own_checkpoint_alone(tmp_path: Path) -> None:
    (result,) = refine(RUN, tiny_dataset())
    folder, record = StudyFolder(tmp_path), TrialRecord(0, iterations=[result.report], best_iteration=0)
    save_state(folder.state_file(0), result.state, trial_owner(run_of(seed=5)))
    with pytest.raises(MissingWeights, match="t0000's iteration 0 are not there"):
        stored_weights(folder, record, RUN)
    save_state(folder.state_file(0), result.state, trial_owner(RUN))
    found = stored_weights(folder, record, RUN)
    assert found.source == "checkpoint"
    assert all(torch.equal(found.weights[name], result.weights[name]) for name in result.weights)
    write_weights(folder.model_file(0), 0, result.weights)
    assert stored_weights(folder, record, RUN).source == "kept"
