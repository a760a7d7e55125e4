"""What is proposed next: samplers, what they look back on, pruning.

``proposals`` is imported by its name: it needs Optuna, which a look at a study does not.
"""

from __future__ import annotations

from study.search.pruning import PRUNERS

__all__ = ["PRUNERS"]
