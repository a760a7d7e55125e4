"""Base models that refinement can lift: one contract, one registry, one import to add."""

from trainables.base_models.contract import BASE_MODELS, BaseModel, SnippetLogits, build_base_model
from trainables.base_models.refineloc import RefineLoc

__all__ = ["BASE_MODELS", "BaseModel", "RefineLoc", "SnippetLogits", "build_base_model"]
