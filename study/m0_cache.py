"""M0 cache: iteration 0 depends on none of the searched parameters, so trials that need the same M0 share one training.

An M0 is kept under ``base/KEY.pt`` (state after iteration 0), ``base/KEY.csv`` (its test predictions) and
``base/KEY.model.pt`` (weights of its chosen epoch; older studies lack them).
The key is made of what iteration 0 depends on, so a file that lies there is right for every trial with that key.

How segments are predicted changes the numbers of an M0 and not its training. A study that varies it keeps the numbers
of its own configuration with each M0; a trial that predicts otherwise takes the weights and measures anew.
No torch, no Ray.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from study.ledger import StudyFolder
from trainables.config import JOINT_MODELS, ComputeConfig, PredictionConfig, RunConfig, predictions_train
from trainables.files import DamagedFile, read_with_digest, write_whole

# Without pseudo labels, neither their loss nor how they are made matters, nor how often it is done afterwards.
# ``pseudo_labels.source`` does: it says which weights the state of iteration 0 hands on.
INDEPENDENT = (
    "protocol",
    "thresholds",
    "loss.beta",
    "loss.pseudo_weighting",
    "loss.pseudo_mean",
    "refinement",
    "pseudo_labels",
)
KEPT = "pseudo_labels.source"
KEY_LENGTH = 16


def m0_key(run: RunConfig, environment: Mapping[str, str]) -> str:
    """Content key of a run's iteration 0. environment: what it depends on beside the configuration."""
    free = _free_of_effect(run, environment)
    return _key_of(run.model_copy(update={"compute": run.compute.model_copy(update=free)}), environment)


def older_keys(run: RunConfig, environment: Mapping[str, str]) -> list[str]:
    """Keys of the same iteration 0 in studies of older versions, where all of ``compute`` was part of the key."""
    spellings: list[dict[str, str]] = [{}]
    for name, default in _free_of_effect(run, environment).items():
        others = [choice for choice in get_args(ComputeConfig.model_fields[name].annotation) if choice != default]
        spellings = [{**known, name: choice} for known in spellings for choice in (default, *others)]
    return [
        _key_of(run.model_copy(update={"compute": run.compute.model_copy(update=spelling)}), environment)
        for spelling in spellings[1:]
    ]


def _free_of_effect(run: RunConfig, environment: Mapping[str, str]) -> dict[str, str]:
    """Fields of ``compute`` that change no number here, with their defaults: the key is made with these.

    The environment names the device that was resolved. CUDA graphs need a GPU and a model that the joint trainer
    takes; there, recorded and eager steps differ by rounding.
    """
    free = ["device"]
    if environment.get("device") == "cpu" or run.model.name not in JOINT_MODELS:
        free.append("steps")
    return {name: ComputeConfig.model_fields[name].default for name in free}


def _key_of(run: RunConfig, environment: Mapping[str, str]) -> str:
    tree = run.model_dump(mode="json")
    source = tree["pseudo_labels"]["source"]
    for key in INDEPENDENT:
        *parents, leaf = key.split(".")
        part = tree
        for name in parents:
            part = part[name]
        part.pop(leaf, None)
    text = json.dumps([tree, source, dict(environment)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


@dataclass(frozen=True)
class M0Cache:
    """The M0s of a study. environment: data hash, versions and device, the same for all its trials. prediction: what
    the kept numbers are measured with; None: each trial's own, which is then part of its key."""

    folder: StudyFolder
    environment: Mapping[str, str]
    prediction: PredictionConfig | None = None
    _found: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def key(self, run: RunConfig) -> str:
        """Of a run's M0; an older one where an M0 lies under that alone."""
        measured = run.model_copy(update={"prediction": self.measured_with(run)})
        key = m0_key(measured, self.environment)
        if key not in self._found:
            # Once for each M0, so that all trials of a session agree. A file names its key: it is not renamed.
            older = () if self.ready(key) else older_keys(measured, self.environment)
            self._found[key] = next(filter(self.ready, older), key)
        return self._found[key]

    def measured_with(self, run: RunConfig) -> PredictionConfig:
        """How segments are predicted for the numbers that are kept with a run's M0."""
        return run.prediction if self.prediction is None or predictions_train(run) else self.prediction

    def ready(self, key: str) -> bool:
        """Whether an M0 is there, in this study or in one beside it, from which it is then copied."""
        if all(path.exists() for path in self.folder.m0_files(key)):
            return True
        for other in sorted(self.folder.path.absolute().parent.glob(f"*/base/{key}.pt")):
            beside = StudyFolder(other.parents[1])
            (state, predictions), model = beside.m0_files(key), beside.m0_model_file(key)
            if _whole(state) and predictions.exists():
                with contextlib.suppress(FileNotFoundError):  # removed meanwhile (study.caches)
                    self._copy(predictions, *([model] if _whole(model) else []), state)
                    return True
        return False

    def _copy(self, *files: Path) -> None:
        """The state last: where it lies, its predictions do too."""
        for file in files:
            with file.open("rb") as source:
                write_whole(self.folder.path / "base" / file.name, source.read())


def _whole(file: Path) -> bool:
    """Whether a state or weights agree with the digest at their head."""
    try:
        read_with_digest(file)
    except (OSError, DamagedFile):
        return False
    return True
