"""Base models that refinement can lift: one contract, one registry, one import to add."""

from trainables.base_models.basnet import BasNet
from trainables.base_models.contract import BASE_MODELS, BaseModel, Losses, build_base_model
from trainables.base_models.refineloc import RefineLoc, SnippetLogits, snippet_losses
from trainables.base_models.wtalc import Wtalc

__all__ = [
    "BASE_MODELS",
    "BasNet",
    "BaseModel",
    "Losses",
    "RefineLoc",
    "SnippetLogits",
    "Wtalc",
    "build_base_model",
    "snippet_losses",
]
