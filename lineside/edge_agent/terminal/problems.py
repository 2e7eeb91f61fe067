"""Errors of the edge's interface as people read them: problem documents in their language."""

from __future__ import annotations

import secrets
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from lineside.contracts.errors import LinesideError
from lineside.contracts.language import CHINESE, language_of
from lineside.edge_agent.terminal.views import Problem, Text

NOTHING: Mapping[str, object] = MappingProxyType({})
FIELDS_SHOWN = 5
_HTTP_CODES = {404: "request.no_route", 405: "request.method"}

log = structlog.get_logger("edge.terminal")


@cache
def chinese_texts() -> dict[str, tuple[str, str]]:
    """What is the case and what to do, in Chinese, by the code of the error."""
    text = files("lineside.edge_agent.terminal").joinpath("problems.toml").read_text("utf-8")
    return {code: (str(what), str(todo)) for code, (what, todo) in tomllib.loads(text).items()}


def problem_texts(error: LinesideError) -> tuple[Text, Text]:
    """What is the case and what to do now; an error without Chinese words says it in English."""
    what, todo = str(error.args[0]), error.hint
    zh_what, zh_todo = _chinese(error.code, _values_of(error)) or (what, todo)
    return Text(zh=zh_what, en=what), Text(zh=zh_todo, en=todo)


def problem_params(error: LinesideError) -> dict[str, str]:
    """Both texts of a problem, to stand in other texts as `{problem}` and `{problem_zh}`."""
    what, todo = problem_texts(error)
    return {"problem": f"{what.en} {todo.en}".strip(), "problem_zh": f"{what.zh}{todo.zh}"}


def problem_answer(
    accept_language: str,
    *,
    status: int,
    code: str,
    detail: str,
    hint: str = "",
    values: Mapping[str, object] = NOTHING,
) -> JSONResponse:
    """A problem document (RFC 9457) in the language that a request prefers.

    Args:
        accept_language: The request's header.
        status: HTTP status.
        code: Stable name for programs, and key of the Chinese texts.
        detail: What is the case, in English.
        hint: What to do now, in English.
        values: What the Chinese texts name.
    """
    language = language_of(accept_language)
    if language == CHINESE:
        detail, hint = _chinese(code, values) or (detail, hint)
    problem = Problem(
        type=f"urn:lineside:{code}",
        title=detail,
        status=status,
        detail=detail,
        code=code,
        hint=hint,
    )
    return JSONResponse(
        problem.model_dump(),
        status_code=status,
        media_type="application/problem+json",
        headers={
            "Cache-Control": "no-store",
            "Content-Language": language,
            "Vary": "Accept-Language",
        },
    )


def add_problems(api: FastAPI) -> None:
    """Answer every error with a problem document."""
    api.add_exception_handler(LinesideError, _on_lineside_error)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http_error)
    api.add_exception_handler(Exception, _on_fault)


def _chinese(code: str, values: Mapping[str, object]) -> tuple[str, str] | None:
    found = chinese_texts().get(code)
    if found is None:
        return None
    shown: defaultdict[str, str] = defaultdict(lambda: "-")
    shown.update({name: _shown(value) for name, value in values.items() if value not in ("", [])})
    return found[0].format_map(shown), found[1].format_map(shown)


def _values_of(error: LinesideError) -> dict[str, object]:
    """What an error names: its attributes, and those that it has only for its texts."""
    return vars(error) | dict(getattr(error, "values", NOTHING))


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        return "、".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)


def _preferred(request: Request) -> str:
    return request.headers.get("accept-language", "")


def _on_lineside_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LinesideError)
    return problem_answer(
        _preferred(request),
        status=error.status,
        code=error.code,
        detail=str(error.args[0]),
        hint=error.hint,
        values=_values_of(error),
    )


def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()[:FIELDS_SHOWN]
    fields = [".".join(str(part) for part in item["loc"]) for item in found]
    told = [f"{name}: {item['msg']}" for name, item in zip(fields, found, strict=True)]
    return problem_answer(
        _preferred(request),
        status=422,
        code="request.invalid",
        detail="; ".join(told),
        hint="Correct the request and send it again.",
        values={"fields": fields},
    )


def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    answer = problem_answer(
        _preferred(request),
        status=error.status_code,
        code=_HTTP_CODES.get(error.status_code, "request.refused"),
        detail=str(error.detail),
    )
    answer.headers.update(error.headers or {})
    return answer


def _on_fault(request: Request, error: Exception) -> JSONResponse:
    """Nobody foresaw it; the server logs its traceback, the answer says which one it was."""
    reference = secrets.token_hex(4)
    log.error("unexpected_error", path=request.url.path, reference=reference, error=repr(error))
    return problem_answer(
        _preferred(request),
        status=500,
        code="edge.unexpected",
        detail="The program failed; nothing was booked.",
        hint=f"Do it again; if it stays, use the paper procedure and tell {reference} maintenance.",
        values={"reference": reference},
    )
