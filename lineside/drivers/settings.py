"""Reading a driver's table of the configuration file into its declared shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from lineside.contracts.errors import ConfigurationError

Shape = TypeVar("Shape", bound=msgspec.Struct)
_PLACE = re.compile(r"^(?P<expected>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|\[\.\.\.\]")
_UNKNOWN = re.compile(r"unknown field `(\w+)`")
_CHOICE = re.compile(r"^Invalid enum value")
_MISSING = re.compile(r"missing required field `(\w+)`")


def read_settings(settings: Mapping[str, Any], shape: type[Shape], *, file: str) -> Shape:
    """Check a table against a shape.

    Args:
        settings: The device's table.
        shape: Struct with `forbid_unknown_fields`, so that a misspelt key is an error.
        file: Configuration file, for the error text.

    Raises:
        ConfigurationError: Names file, key, what was found and what was expected.
    """
    try:
        return msgspec.convert(dict(settings), shape, strict=True)
    except msgspec.ValidationError as problem:
        match = _PLACE.match(str(problem))
        assert match is not None
        path = (match["path"] or "$").removeprefix("$").removeprefix(".")
        text = match["expected"]
        named = _UNKNOWN.search(text) or _MISSING.search(text)
        key = ".".join(part for part in (path, named[1] if named else "") if part)
        raise ConfigurationError(
            file=file,
            key=key or "device",
            found=_found(settings, key),
            expected=_choices(shape, path) if _CHOICE.search(text) else _expected(text),
        ) from problem


def _choices(shape: type[msgspec.Struct], path: str) -> str:
    """The values that a key may have: the error of msgspec does not list them."""
    kinds: list[inspect.Type] = [inspect.type_info(shape)]
    for name, index in _STEP.findall(f".{path}"):
        deeper: list[inspect.Type] = []
        for kind in _alternatives(kinds):
            if name and isinstance(kind, inspect.StructType):
                deeper += [field.type for field in kind.fields if field.encode_name == name]
            elif not name and index and isinstance(kind, inspect.VarTupleType | inspect.ListType):
                deeper.append(kind.item_type)
        kinds = deeper
    values: list[object] = []
    for kind in _alternatives(kinds):
        if isinstance(kind, inspect.EnumType):
            values += [member.value for member in kind.cls]
        elif isinstance(kind, inspect.LiteralType):
            values += kind.values
    return f"one of {', '.join(map(str, values))}"


def _alternatives(kinds: list[inspect.Type]) -> list[inspect.Type]:
    return [
        single
        for kind in kinds
        for single in (kind.types if isinstance(kind, inspect.UnionType) else (kind,))
    ]


def _expected(text: str) -> str:
    if _UNKNOWN.search(text):
        return "no such key"
    if _MISSING.search(text):
        return "a value, it must be given"
    return text.removeprefix("Expected ").replace("`", "")


def _found(settings: Mapping[str, Any], key: str) -> object:
    """The value at a path such as `signals[2].address`, or None where there is none."""
    value: Any = settings
    for name, index in _STEP.findall(f".{key}"):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return value
