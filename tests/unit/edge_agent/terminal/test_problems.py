"""Every error that can reach a person at the edge is said in both languages."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import string
from pathlib import Path
from typing import Any

import pytest

import lineside.contracts
import lineside.edge_agent
from lineside.contracts.errors import LinesideError
from lineside.edge_agent.terminal import problems
from lineside.edge_agent.terminal.problems import chinese_texts, problem_params, problem_texts

COMMAND_LINE = re.compile(
    r"lineside\.edge_agent\.(commands|certification|enrolment|certificates)\b"
)
ROOTS = (lineside.contracts, lineside.edge_agent)
RAISING = re.compile(r"^class \w+Error\(", re.MULTILINE)


def modules() -> list[str]:
    """Modules of the agent and of contracts that define errors."""
    found: list[str] = []
    for root in ROOTS:
        for one in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            path = Path(root.__path__[0]).joinpath(*one.name.split(".")[2:])
            file = path / "__init__.py" if one.ispkg else path.with_suffix(".py")
            if not COMMAND_LINE.match(one.name) and RAISING.search(file.read_text("utf-8")):
                found.append(one.name)
    return found


def errors() -> list[type[LinesideError]]:
    """Their error classes; those of the command line speak English to administrators only."""
    kinds = {LinesideError}
    for name in modules():
        for _, one in inspect.getmembers(importlib.import_module(name), inspect.isclass):
            if issubclass(one, LinesideError) and not COMMAND_LINE.match(one.__module__):
                kinds.add(one)
    return sorted(kinds, key=lambda kind: kind.__qualname__)


EXAMPLES = {"int": 7, "str": "X-1", "Path": Path("/data"), "object": 7}


def made(kind: type[LinesideError]) -> LinesideError:
    """An error of this kind with an example for each argument."""
    arguments = inspect.signature(kind.__init__).parameters.values()
    needed = [one for one in arguments if one.name != "self" and one.default is one.empty]
    given: dict[str, Any] = {
        one.name: EXAMPLES.get(str(one.annotation), ["a", "b"]) for one in needed
    }
    positional = [given.pop(one.name) for one in needed if one.kind is not one.KEYWORD_ONLY]
    return kind(*positional, **given)


@pytest.mark.parametrize("kind", errors(), ids=lambda kind: kind.__name__)
def test_every_error_says_in_both_languages_what_is_the_case_and_what_to_do(kind):
    error = made(kind)
    what, todo = problem_texts(error)

    for text in (what, todo):
        assert "{" not in text.zh + text.en
        assert not re.search(r"[\u4e00-\u9fff]", text.en)
    assert re.search(r"[\u4e00-\u9fff]", what.zh)
    assert not error.hint or re.search(r"[\u4e00-\u9fff]", todo.zh)


@pytest.mark.parametrize("kind", errors(), ids=lambda kind: kind.__name__)
def test_what_the_chinese_text_names_the_error_has(kind):
    names = {
        name
        for text in chinese_texts()[kind.code]
        for _, name, _, _ in string.Formatter().parse(text)
        if name
    }
    values = getattr(made(kind), "values", {}).keys() | vars(made(kind)).keys()

    assert names <= values


def test_every_code_that_a_route_answers_has_chinese_words():
    source = Path(problems.__file__).parent
    said = {
        code
        for path in source.glob("*.py")
        for code in re.findall(r'"(request\.[a-z_]+)"', path.read_text("utf-8"))
    }

    assert len(said) >= 7
    assert said | {"edge.unexpected"} <= chinese_texts().keys()


def test_a_problem_inside_another_text_is_in_the_language_of_that_text():
    error = next(made(kind) for kind in errors() if kind.code == "journal.disk_full")

    assert problem_params(error) == {
        "problem": "The disk is full; this was not saved. Free disk space, then do it again.",
        "problem_zh": "磁盘已满，未保存。请清理磁盘空间后重试。",
    }
