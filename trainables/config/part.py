"""What all parts of a configuration share: frozen, strict, no unknown keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from trainables.json_types import JsonObject

Share = Annotated[float, Field(ge=0, le=1)]
FloatTuple = Annotated[tuple[float, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
Overrides = dict[str, Any]  # dotted keys of RunConfig, e.g. loss.beta, and the values that replace others
StrTuple = Annotated[tuple[str, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]


class Part(BaseModel):
    """Base of all parts: frozen, strict, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ExtendedPart(Part):
    """A part with fields that older versions did not have.

    Where such a field has its default, which is what was done before there was a choice, it is not written: files, and
    keys made of configurations, stay the same.
    """

    later_fields: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _as_before(self, serialize: SerializerFunctionWrapHandler) -> JsonObject:
        tree: JsonObject = serialize(self)
        for name in self._left_out():
            tree.pop(name, None)  # absent already where it was excluded
        return tree

    def _left_out(self) -> Iterable[str]:
        fields = type(self).model_fields
        return [name for name in self.later_fields if getattr(self, name) == fields[name].default]
