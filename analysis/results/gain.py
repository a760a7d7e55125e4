"""How much better than M0 the refined models of a study are: ``study.ledger.against_m0`` on its frames."""

from __future__ import annotations

from analysis.settings import GENERATOR
from analysis.study import Study, refined_only
from analysis.text import ORACLE
from study.ledger import AgainstM0, against_m0


def study_against_m0(study: Study) -> AgainstM0 | None:
    """By test mAP where the study has any, else by the number that selects; None where no trial was refined."""
    done = refined_only(study).completed
    done = done[done[GENERATOR] != ORACLE].sort_values("trial").drop_duplicates(["configuration", "seed"])
    refined, number = ("test_map", "test_map") if study.has_test_map else ("objective", "selection")
    m0 = study.iterations[study.iterations["iteration"] == 0].set_index("trial")[number]
    difference = done[refined].to_numpy() - m0.reindex(done["trial"]).to_numpy()
    found: dict[str, dict[int, float]] = {}
    for configuration, seed, value in zip(done["configuration"], done["seed"], difference, strict=True):
        if value == value:  # no NaN
            found.setdefault(str(configuration), {})[int(seed)] = float(value)
    return against_m0(found)
