"""The complete run configurations that travel with the package: ``configs/datasets/<name>-<protocol>.yaml``."""

from __future__ import annotations

from importlib import resources
from typing import Any, Literal

import yaml

from trainables.config import ConfigError, RunConfig, nearest, parse_config

Protocol = Literal["released", "paper"]

# Feature types that a data set has presets for; the first one is the default. None: its features have no choice.
FEATURES: dict[str, tuple[str | None, ...]] = {
    "spoken-digits": (None,),
    "utkinect": (None,),
    "thumos14": ("i3d", "tsn"),
    "activitynet12": ("i3d", "tsn"),
    "simulated": (None,),
}


def datasets() -> list[str]:
    """Names of the data sets that have presets."""
    return list(FEATURES)


def preset(dataset: str, features: str | None = None, protocol: Protocol = "released") -> RunConfig:
    """The preset of a data set; ``released``: as the authors' code does, ``paper``: as the paper's text says.

    Raises ConfigError for a data set, feature type or protocol that there is no preset for.
    """
    if dataset not in FEATURES:
        raise ConfigError(f"--dataset: no data set '{dataset}'. {nearest(dataset, FEATURES)}")
    known = FEATURES[dataset]
    if features is not None and features not in known:
        options = " or ".join(name for name in known if name) or "none: leave --features out"
        raise ConfigError(f"--features: {dataset} has no features '{features}'; known: {options}")
    features = features or known[0]
    name = "-".join(part for part in (dataset, features, protocol) if part)
    file = resources.files("configs") / "datasets" / f"{name}.yaml"
    if not file.is_file():
        raise ConfigError(f"--protocol: no preset configs/datasets/{name}.yaml; protocols: released, paper")
    return parse_config(read_yaml(file.read_text(encoding="utf-8"), f"configs/datasets/{name}.yaml"), name)


def read_yaml(text: str, source: str) -> dict[str, Any]:
    """A YAML mapping; ConfigError with the place of the fault where it cannot be read."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise ConfigError(f"{source}: not valid YAML{place}: {getattr(error, 'problem', error)}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{source}: expected a mapping of keys to values, got {type(tree).__name__}")
    return tree
