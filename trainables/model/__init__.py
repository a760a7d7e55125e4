"""A trained model outside of its study: kept weights, an exported folder, predictions for videos without labels."""

from __future__ import annotations

from trainables.model.weights import KeptWeights, read_weights, write_weights

__all__ = [
    "KeptWeights",
    "read_weights",
    "write_weights",
]
