"""StudyConfig: what varies, how it is searched, with which budget and seeds. No Ray, no torch."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator

from study.config.space import Dimension, grid, parse_space, why_outside
from trainables.config import Overrides, Part, Thresholds, validated
from trainables.errors import UserError, nearest
from trainables.json_types import JsonObject
from trainables.text_files import parse_yaml, read_yaml

# The names of the two families, which the options and the tests read too; what they do is in ``study.search``.
SamplerName = Literal["tpe", "gp", "qmc", "random", "grid", "brute_force"]
PrunerName = Literal["none", "asha", "median"]
SAMPLER_NAMES: tuple[str, ...] = get_args(SamplerName)
PRUNER_NAMES: tuple[str, ...] = get_args(PrunerName)
ObjectiveName = Literal["refined", "best"]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class ConfirmConfig(Part):
    """The best configurations of a search, run again on seeds that did not choose them."""

    top: int = Field(ge=1, description="how many configurations")
    seeds: int = Field(2, ge=1, description="on how many further seeds each")


class StudyConfig(Part):
    """One study. A configuration is a point of the space; a trial is one configuration on one replicate seed."""

    name: str
    description: str = ""
    space: dict[str, Dimension]
    sampler: SamplerName = "tpe"
    num_samples: int | None = Field(None, ge=1, description="configurations; None: the whole grid")
    seeds: int = Field(1, ge=1, description="replicates: each configuration runs on so many seeds")
    seed: int = Field(0, ge=0, description="base seed of sampler and replicates")
    selection: Literal["held-out", "paper", "video-labels"] | None = Field(
        None, description="overrides the preset's rule"
    )
    thresholds: Thresholds | None = Field(None, description="whose thresholds vary; overrides the preset's choice")
    overrides: Overrides = Field({}, description="dotted RunConfig keys that this study sets for all trials")
    start_from_preset: bool = Field(True, description="the preset's own point is the first configuration")
    first_points: Annotated[tuple[dict[str, Any], ...], BeforeValidator(_as_tuple)] = Field(
        (), description="points of the space that come next, in this order, before the sampler's own"
    )
    lookback: int = Field(
        3, ge=0, description="configuration c is proposed from the results of those up to c - 1 - lookback"
    )
    startup: int = Field(8, ge=1, description="results that TPE and GP wait for before they stop drawing at random")
    history: int = Field(
        1000, ge=10, description="how many results the sampler sees: the latest and the best of the others"
    )
    asynchronous: bool = Field(False, description="propose from whatever has ended; reproducible only with one worker")
    pruner: PrunerName = Field("none", description="stops weak trials early")
    grace: int = Field(1, ge=0, description="a trial may be pruned after this iteration, not before; 0 is M0")
    objective: ObjectiveName = Field(
        "refined",
        description="what sampler and pruner see: the best refined iteration, or the best with M0 among them",
    )
    target: float | None = Field(None, allow_inf_nan=False, description="ends the search: a configuration reaches it")
    patience: int | None = Field(None, ge=1, description="ends the search: so many configurations are no better")
    time_budget_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="ends the search in time for the confirmation; of all sessions"
    )
    confirm: ConfirmConfig | None = Field(None, description="confirmation stage after the search; None: none")
    shared_base: bool = Field(True, description="each M0 is trained once, not once per trial")

    @field_validator("space", mode="before")
    @classmethod
    def _declared(cls, value: Any) -> Any:
        if isinstance(value, dict) and all(isinstance(item, Dimension) for item in value.values()):
            return value
        return parse_space(value, "study")

    @property
    def num_configurations(self) -> int:
        """The budget; a grid never has more than its points."""
        if not self.exhaustive:
            return self.num_samples or 16
        points = len(grid(self.space))
        return min(points, self.num_samples or points)

    @property
    def num_trials(self) -> int:
        """Of the search and its confirmation together."""
        return self.trials_of(self.num_configurations)

    def trials_of(self, configurations: int) -> int:
        """Trials of a search with so many configurations and its confirmation."""
        confirmed = min(self.confirm.top, configurations) * self.confirm.seeds if self.confirm else 0
        return configurations * self.seeds + confirmed

    @property
    def exhaustive(self) -> bool:
        """Whether the sampler goes through all points."""
        return self.sampler in ("grid", "brute_force")

    @property
    def waits(self) -> bool:
        """Whether a proposal waits for results: where the sampler learns from them, or trials are pruned by them, or
        they may end the search."""
        needed = self.sampler in ("tpe", "gp") or self.pruner != "none" or self.target is not None or self.patience
        return not self.asynchronous and bool(needed)

    @property
    def space_tree(self) -> JsonObject:
        """The space as plain data, defaults left out."""
        return {key: dimension.model_dump(mode="json", exclude_defaults=True) for key, dimension in self.space.items()}

    def as_dict(self) -> JsonObject:
        """Plain data from which ``parse_study`` makes this configuration again."""
        return {**self.model_dump(mode="json", exclude={"space"}), "space": self.space_tree}


def studies() -> list[str]:
    """Names of the studies that come with the project."""
    folder = resources.files("configs") / "studies"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_study_config(name: str) -> StudyConfig:
    """A named study, or a user's own YAML file by path; raises UserError."""
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not os.path.exists(path):
            raise UserError(f"--study: {name}: no such file")
        return parse_study({"name": path.stem, **read_yaml(path)}, name)
    if name not in studies():
        raise UserError(f"--study: unknown study '{name}'. {nearest(name, studies())}")
    source = f"configs/studies/{name}.yaml"
    text = (resources.files("configs") / "studies" / f"{name}.yaml").read_text(encoding="utf-8")
    return parse_study({"name": name, **parse_yaml(text, source)}, source)


def recorded_study(tree: JsonObject, source: str) -> StudyConfig:
    """A study as its study.json has it; what that of an older version lacks is as it was then."""
    return parse_study({"objective": "best", **tree}, source)


def parse_study(tree: Any, source: str) -> StudyConfig:
    """Validate a study declared as plain data; raises UserError that names ``source`` and the key."""
    if not isinstance(tree, dict):
        raise UserError(f"{source}: expected a mapping of keys to values, got {type(tree).__name__}")
    if "space" not in tree:
        unknown = [key for key in tree if key not in StudyConfig.model_fields]
        lines = [f"{source}: {key}: unknown key. {nearest(key, StudyConfig.model_fields)}" for key in unknown]
        raise UserError("\n".join([f"{source}: space: required key is missing", *lines]))
    study = validated(StudyConfig, {**tree, "space": parse_space(tree["space"], source)}, source)
    if study.exhaustive:
        try:
            grid(study.space)
        except UserError as error:
            raise UserError(f"{source}: {error}") from None
        if study.first_points:
            raise UserError(f"{source}: first_points: sampler {study.sampler} goes through all points; leave one out")
    for number, point in enumerate(study.first_points):
        outside = why_outside(study.space, point)
        if outside:
            raise UserError(f"{source}: first_points: {number}: {outside}")
    return study
