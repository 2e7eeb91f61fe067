# pyright: basic
"""Answers that must be quick: structs written by msgspec, described to OpenAPI as models.

A model of pydantic costs some 10 us to build and write, a struct 1 us; a trace has thousands.
"""

from __future__ import annotations

import functools
import operator
import types
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from fastapi import Response
from pydantic import BaseModel, WithJsonSchema, create_model

from lineside.central.kit.schema import Out

InstantText = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 UTC, already written; see `contracts.clock.format_rfc3339`."""
AmountText = Annotated[
    str, WithJsonSchema({"type": "string", "format": "decimal", "examples": ["12.5"]})
]
"""A decimal number, already written; see `kit.schema.decimal_text`."""

_encoder = msgspec.json.Encoder()


class Shape(msgspec.Struct, gc=False):
    """An answer; every field is always there. A tree, so the garbage collector need not look."""


def encode(shape: Shape | list[Any]) -> bytes:
    """JSON of an answer."""
    return _encoder.encode(shape)


def json_answer(body: bytes) -> Response:
    """An encoded answer as a response."""
    return Response(body, media_type="application/json")


@functools.cache
def documented(shape: type[Shape]) -> type[BaseModel]:
    """The model that stands for a shape in the schema: same name, fields and words."""
    hints = get_type_hints(shape, include_extras=True)
    fields: dict[str, Any] = {
        field.name: (
            _described(hints[field.name]),
            ... if field.default is msgspec.NODEFAULT else field.default,
        )
        for field in msgspec.structs.fields(shape)
    }
    return create_model(
        shape.__name__, __base__=Out, __module__=shape.__module__, __doc__=shape.__doc__, **fields
    )


def _described(hint: Any) -> Any:  # noqa: ANN401 - a type of any kind
    if isinstance(hint, type) and issubclass(hint, Shape):
        return documented(hint)
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated or not parts:
        return hint
    described = tuple(_described(part) for part in parts)
    if origin in (Union, types.UnionType):
        return functools.reduce(operator.or_, described)
    assert origin is not None
    return origin[described]
