"""The built pages of an edge: the terminal at `/`, the board of a line at `/board/`."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"


class BuiltPages(StaticFiles):
    """Files of one build: those named after their content are kept, all others asked for anew."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, with how long a browser may keep it."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        named_after_content = Path(full_path).parent.name == "assets"
        answer.headers["Cache-Control"] = FOR_EVER if named_after_content else ASK_FIRST
        return answer


def add_pages(api: FastAPI, web: Path | None) -> None:
    """Serve what is built beside each other in a folder; must be added after all other routes.

    Args:
        api: The application of one edge.
        web: Folder of the built terminal; the board is the folder `board` beside it. What is not
            built says how to build it.
    """
    board = None if web is None else web.parent / "board"
    if board is not None and (board / "index.html").is_file():
        api.mount("/board/", BuiltPages(directory=board, html=True), name="board")

        @api.get("/board", include_in_schema=False)
        async def board_with_slash() -> Response:
            """The address as people type it."""
            return RedirectResponse("/board/")

        del board_with_slash
    if web is not None and (web / "index.html").is_file():
        api.mount("/", BuiltPages(directory=web, html=True), name="terminal")
        return

    @api.get("/", include_in_schema=False)
    async def missing_pages() -> Response:
        """Says that the pages are not built."""
        return Response(
            "The terminal's pages are not built here. Run `make setup`, start the agent again.\n",
            media_type="text/plain; charset=utf-8",
        )

    del missing_pages
