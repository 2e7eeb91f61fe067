"""Errors as RFC 9457 problem documents, and the headers that every route shares."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from lineside.central.errors import DomainError, InvalidInputError
from lineside.central.kit.texts import CHINESE, chinese, language_of
from lineside.contracts.errors import LinesideError

PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER_S = "5"
SERVER_ERROR = 500
UNAVAILABLE = 503

log = structlog.get_logger("central.http")


class FieldProblem(BaseModel):
    """What is wrong with one field: dotted path (`body.quantity`) and one sentence."""

    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457 problem document.

    Attributes:
        type: `urn:lineside:problem:<code>`.
        title: The code in words.
        status: HTTP status.
        detail: One sentence for a person.
        code: Stable dotted name for programs.
        hint: What to do now, or empty.
        instance: Path of the request.
        errors: Fields that are wrong, for validation.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str = ""
    instance: str = ""
    errors: list[FieldProblem] = []


def problem_response(
    request: Request,
    *,
    status: int,
    code: str,
    detail: str,
    hint: str = "",
    errors: Sequence[FieldProblem] = (),
    text_key: str = "",
    values: Mapping[str, object] = MappingProxyType({}),
) -> JSONResponse:
    """A problem document as an answer, in the language that the request prefers.

    Args:
        request: Whose `Accept-Language` decides.
        status: HTTP status.
        code: Stable name for programs.
        detail: One sentence in English.
        hint: What to do now, in English.
        errors: Fields that are wrong, in the language already.
        text_key: Key of the texts in other languages; empty: the code.
        values: What these texts name.
    """
    language = language_of(request.headers.get("accept-language", ""))
    if language == CHINESE:
        key = text_key or code
        detail = chinese("detail", key, values) or detail
        hint = (chinese("hint", key, values) or "") if hint else ""
    problem = Problem(
        type=f"urn:lineside:problem:{code}",
        title=code.replace(".", ": ").replace("_", " "),
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        instance=request.url.path,
        errors=list(errors),
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Vary": "Accept-Language",
    }
    if status == UNAVAILABLE:
        headers["Retry-After"] = RETRY_AFTER_S
    if status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(
        problem.model_dump(), status_code=status, media_type=PROBLEM_TYPE, headers=headers
    )


def refusals(*errors: type[LinesideError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: which problems it answers, by status."""
    codes: dict[int, list[str]] = {}
    for error in errors:
        codes.setdefault(error.status, []).append(error.code)
    return {
        status: {
            "description": ", ".join(found),
            "model": Problem,
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in codes.items()
    }


def install_problem_documents(app: FastAPI) -> None:
    """Answer the errors that are foreseen with problem documents."""
    app.add_exception_handler(LinesideError, _lineside_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(IntegrityError, _integrity_error)
    app.add_exception_handler(OperationalError, _database_away)
    app.add_exception_handler(PoolTimeoutError, _database_away)


def _lineside_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LinesideError)
    errors: list[FieldProblem] = []
    key = error.text_key if isinstance(error, DomainError) else error.code
    values: Mapping[str, object] = error.values if isinstance(error, DomainError) else {}
    if isinstance(error, InvalidInputError) and error.field:
        message = _in_language(request, "detail", key, values) or str(error.args[0])
        errors = [FieldProblem(field=error.field, message=message)]
    if error.status >= SERVER_ERROR:
        log.error("request_failed", path=request.url.path, code=error.code, detail=str(error))
    return problem_response(
        request,
        status=error.status,
        code=error.code,
        detail=str(error.args[0]),
        hint=error.hint,
        errors=errors,
        text_key=key,
        values=values,
    )


def _in_language(
    request: Request, section: str, key: str, values: Mapping[str, object]
) -> str | None:
    if language_of(request.headers.get("accept-language", "")) != CHINESE:
        return None
    return chinese(section, key, values)


def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        FieldProblem(
            field=".".join(str(part) for part in found["loc"]),
            message=_in_language(request, "field", str(found["type"]), found.get("ctx") or {})
            or str(found["msg"]),
        )
        for found in error.errors()
    ]
    return problem_response(
        request,
        status=422,
        code="input.invalid",
        detail="; ".join(f"{found.field}: {found.message}" for found in errors[:5]),
        hint="Correct these fields and send the request again.",
        errors=errors,
    )


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed", 413: "input.too_large"}
    response = problem_response(
        request,
        status=error.status_code,
        code=codes.get(error.status_code, "http.error"),
        detail=str(error.detail),
        text_key="route.not_found" if error.status_code == 404 else "",  # noqa: PLR2004
    )
    response.headers.update(error.headers or {})
    return response


def _integrity_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, IntegrityError)
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "a rule"
    log.warning("constraint_refused", path=request.url.path, constraint=constraint)
    return problem_response(
        request,
        status=409,
        code="conflict",
        detail=f"The database refused it: {constraint}.",
        hint="It exists already, or refers to something that does not exist.",
    )


def _database_away(request: Request, error: Exception) -> JSONResponse:
    log.error("database_away", path=request.url.path, error=str(error)[:500])
    serialisation = isinstance(error, DBAPIError) and "deadlock" in str(error)
    return problem_response(
        request,
        status=UNAVAILABLE,
        code="database.unavailable",
        detail="The database is busy." if serialisation else "The database does not answer.",
        hint="Try again in a few seconds; nothing was changed.",
    )


def unexpected_problem(request: Request, error: Exception) -> JSONResponse:
    """The answer to an error that nobody foresaw; it is logged with the reference in the answer."""
    reference = secrets.token_hex(6)
    log.error(
        "unexpected_error",
        path=request.url.path,
        reference=reference,
        # plain text: a rendering with local variables would show passwords
        traceback="".join(traceback.format_exception(error)),
    )
    return problem_response(
        request,
        status=SERVER_ERROR,
        code="central.unexpected",
        detail="Something went wrong that should not; nothing was changed.",
        hint=f"Tell your administrator the reference {reference}.",
        values={"reference": reference},
    )
