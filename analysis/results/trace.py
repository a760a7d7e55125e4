"""Where each number of a table comes from: one row per cell with all digits, trials, seeds and ledger lines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.results.statistics import Summary
from analysis.study import BETA, GENERATOR, Study

BASE = "M0"  # depends on none of the searched values


def trace(study: Study, keys: tuple[str, str], cells: Mapping[Any, Summary | None]) -> pd.DataFrame:
    """One row per cell; a cell without a trial has an empty mean."""
    configuration = dict(zip(study.trials["trial"], study.trials["configuration"], strict=True))
    split = dict(zip(study.trials["trial"], study.trials["selection_split"], strict=True))
    rows = []
    for key, summary in cells.items():
        row = {"study": study.name, **dict(zip(keys, key, strict=True))}
        if summary is not None:
            row |= {
                "test_map": summary.mean,
                "std": summary.std,
                "num_seeds": summary.n,
                "chosen_on": split[summary.trials[0]],
                "trials": " ".join(map(str, summary.trials)),
                "seeds": " ".join(map(str, summary.seeds)),
                "iterations": " ".join(map(str, summary.iterations)),
                "ledger_lines": " ".join(map(str, summary.lines)),
                "configuration": configuration[summary.trials[0]] if key[0] != BASE else "",
            }
        rows.append(row)
    columns = ["study", *keys, "test_map", "std", "num_seeds", "chosen_on", "trials", "seeds", "iterations",
               "ledger_lines", "configuration"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"num_seeds": "Int64"})


def label(study: Study, table: str) -> str:
    """Label of a table for LaTeX references."""
    return re.sub(r"[^A-Za-z0-9]+", "-", f"{study.name}-{table}")


def configuration_text(configuration: str, generator: bool = False) -> str:
    """``β 4, sampled_share 0.8`` of a configuration's JSON; ``generator``: that too."""
    values = {key: value for key, value in json.loads(configuration).items() if generator or key != GENERATOR}
    texts = (f"{short_key(key)} {value_text(value)}" for key, value in values.items())
    return ", ".join(texts) or "as configured"


def short_key(key: str) -> str:
    """A dotted key as the paper writes it, or its last word."""
    symbols = {
        BETA: "β",
        "pseudo_labels.sampled_share": "S",
        "pseudo_labels.segments.min_attention": "αA",
        "pseudo_labels.segments.min_class_score": "αC",
    }
    return symbols.get(key, key.rsplit(".", 1)[-1].replace("_", " "))


def value_text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
