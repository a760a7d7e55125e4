"""Base models that refinement can lift: one contract, one registry, one import to add."""

from trainables.base_models.basnet import BasNet
from trainables.base_models.contract import BASE_MODELS, BaseModel, build_base_model
from trainables.base_models.refineloc import RefineLoc
from trainables.base_models.wtalc import Wtalc

__all__ = ["BASE_MODELS", "BasNet", "BaseModel", "RefineLoc", "Wtalc", "build_base_model"]
