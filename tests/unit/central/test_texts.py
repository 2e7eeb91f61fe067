"""Every refusal of central has its Chinese text, naming the same things."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import string
from pathlib import Path
from typing import Any

import pytest

import lineside.central
from lineside.central.errors import AlreadyExistsError, DomainError, NotFoundError
from lineside.central.kit.texts import chinese, language_of, table

ROOT = Path(lineside.central.__file__).parent
for found in pkgutil.walk_packages([str(ROOT)], "lineside.central."):
    if found.name.endswith((".errors", ".idempotency")):
        importlib.import_module(found.name)


def subclasses(kind: type[DomainError]) -> list[type[DomainError]]:
    return [kind, *(inner for one in kind.__subclasses__() for inner in subclasses(one))]


ERRORS = sorted(set(subclasses(DomainError)), key=lambda kind: kind.__qualname__)
EXAMPLES: dict[str, Any] = {"int": 7, "list[str]": ["a", "b"], "str": "X-1"}


def made(kind: type[DomainError]) -> DomainError:
    """An error of this kind with an example for each argument."""
    arguments = [
        parameter
        for parameter in inspect.signature(kind.__init__).parameters.values()
        if parameter.name != "self" and parameter.default is inspect.Parameter.empty
    ]
    values: dict[str, Any] = {
        one.name: EXAMPLES.get(str(one.annotation), "X-1") for one in arguments
    }
    positional = [values.pop(one.name) for one in arguments if one.kind is not one.KEYWORD_ONLY]
    return kind(*positional, **values)


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_refusal_is_said_in_chinese(kind: type[DomainError]) -> None:
    error = made(kind)
    detail = chinese("detail", error.text_key, error.values)

    assert detail is not None
    assert names_in(table()["detail"][error.text_key]) <= error.values.keys()
    assert names_in(table()["hint"].get(error.text_key, "")) <= error.values.keys()
    for value in error.values.values():
        if kind is not DomainError and isinstance(value, int):
            assert str(value) in detail


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_who_is_told_what_to_do_in_english_is_told_in_chinese(kind: type[DomainError]) -> None:
    error = made(kind)

    assert not error.hint or table()["hint"].get(error.text_key)


def calls(*names: str) -> list[ast.Call]:
    return [
        node
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in names
    ]


def test_every_text_that_an_error_names_exists() -> None:
    """Keys that a call says are in the table; and the table has none that nobody says."""
    said = {
        keyword.value.value
        for call in calls("InvalidInputError")
        for keyword in call.keywords
        if keyword.arg == "said" and isinstance(keyword.value, ast.Constant)
    }
    assert said <= table()["detail"].keys()
    assert len(said) >= 8


def test_every_thing_that_is_not_found_has_a_name() -> None:
    named = {
        str(call.args[0].value).lower()
        for call in calls("NotFoundError", "AlreadyExistsError", "UnknownReferenceError")
        if call.args and isinstance(call.args[0], ast.Constant)
    }
    tables = {"item", "routing", "bom", "station", "reason", "edge"}

    assert named | tables <= table()["what"].keys()


def test_values_stand_in_the_text() -> None:
    error = NotFoundError("carrier type", "K-1")
    assert chinese("detail", error.text_key, error.values) == "没有载具类型 K-1。"
    error = AlreadyExistsError("Order", "WO-1")
    assert chinese("detail", error.text_key, error.values) == "工单 WO-1 已存在。"
    assert error.code == "conflict"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("en-GB,en;q=0.9,zh;q=0.5", "en"),
        ("de,fr;q=0.9,zh-Hans;q=0.1", "zh-CN"),
        ("zh;q=0", "en"),
        ("zh;q=nonsense, en", "en"),
        ("*", "en"),
        (",;,q=1", "en"),
    ],
)
def test_the_language_is_what_the_reader_prefers(header: str, language: str) -> None:
    assert language_of(header) == language
