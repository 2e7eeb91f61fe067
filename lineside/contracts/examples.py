"""One full example of every event type, made from its declaration.

For golden files and documentation: every field is set, so that a renamed field, a changed type or a
dropped tag shows as a changed file.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from lineside.contracts.events import Event

_EXAMPLE_AT = 1_772_427_600_000_000  # 2026-03-02T05:00:00Z


def example(kind: type[Event]) -> Event:
    """An instance of an event type with every field set to a value of its type."""
    made = _struct(kind)
    assert isinstance(made, Event)
    return made


def _struct(kind: type[msgspec.Struct]) -> msgspec.Struct:
    hints = get_type_hints(kind)
    return kind(**{field.name: _value(field.name, hints[field.name]) for field in _fields(kind)})


def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _value(name: str, hint: Any) -> Any:  # noqa: ANN401
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _value(name, next(part for part in arguments if part is not type(None)))
    if origin is tuple:
        return (_value(name, arguments[0]),)
    if origin is dict:
        return {"spindle_speed": _value(name, arguments[1])}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    simple = {bool: True, int: 7, str: f"{name}-1", Decimal: Decimal("1.250")}
    if hint is int and name.endswith(("_at", "_until")):
        return _EXAMPLE_AT
    return simple[hint]
