from __future__ import annotations

import torch

from tests.study.worlds import run_of
from tests.trainables.worlds import tiny_dataset
from trainables.worker.probe import TrialProbe, probe_trial


def test_a_probe_runs_a_shortened_trial_on_whatever_device_there_is() -> None:
    probe = probe_trial(run_of(compute__device="auto", refinement__iterations=5), tiny_dataset())
    assert probe.epoch_s > 0
    assert probe.iteration_s(10) > probe.iteration_s(1) > 0
    if torch.cuda.is_available():
        assert probe.trial_bytes is not None
        assert probe.device_bytes is not None
        assert 0 < probe.trial_bytes < probe.device_bytes
    else:
        assert (probe.device, probe.trial_bytes, probe.device_bytes) == ("cpu", None, None)


def test_memory_of_a_trial_is_the_allocators_peak_and_what_the_device_holds_beside_it() -> None:
    assert TrialProbe("here", "a GPU", 1.0, 1.0, peak_bytes=5, context_bytes=3, device_bytes=9).trial_bytes == 8
