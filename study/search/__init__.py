"""What is proposed next: samplers, what they look back on, pruning, ranking of configurations.

``proposals`` is imported by its name: it needs Optuna, which a look at a study does not.
"""

from __future__ import annotations

from study.search.pruning import PRUNERS
from study.search.ranking import CONFIRM, ORACLE, best_configuration, generator_of, ranked_configurations

__all__ = [
    "CONFIRM",
    "ORACLE",
    "PRUNERS",
    "best_configuration",
    "generator_of",
    "ranked_configurations",
]
