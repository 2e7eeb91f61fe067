"""Central's web application: routes, pages, and what runs beside them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy import Engine
from starlette.exceptions import HTTPException

import lineside
from lineside.central import health
from lineside.central.config import CentralConfig
from lineside.central.kit.http import install_problem_documents
from lineside.central.kit.transaction_route import Workplace
from lineside.central.metrics import Metrics
from lineside.central.platform.access.principal import public
from lineside.central.platform.identity.service import SignInRules, authenticate
from lineside.central.routers import ROUTERS
from lineside.central.runtime import Central, running
from lineside.contracts.clock import Clock, SystemClock

PACKAGE = Path(lineside.__file__).parent
DOCS = Path(__file__).parent / "docs_page"
BODY_BYTES_MAX = 8 * 1024 * 1024
API_PREFIXES = ("api/", "docs", "openapi.json", "healthz", "readyz", "metrics")


def create_app(
    config: CentralConfig,
    *,
    engine: Engine | None = None,
    clock: Clock | None = None,
    on_ready: Callable[[Central], None] | None = None,
) -> FastAPI:
    """The application; nothing is opened before its lifespan begins.

    Args:
        config: What to run.
        engine: A migrated database that is there already; else the configured one.
        clock: The time it uses; else the system's.
        on_ready: Called when everything runs, before the first request.
    """
    clock = clock or SystemClock()
    rules = SignInRules(
        token_hours=config.access.token_hours,
        edge_token_days=config.access.edge_token_days,
        failures_max=config.access.failures_max,
        lock_s=config.access.lock_s,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with running(config, clock, engine) as central:
            _attach(app, central)
            if on_ready is not None:
                on_ready(central)
            try:
                yield
            finally:
                app.state.central = None

    app = FastAPI(
        title="Lineside central",
        version="0.1.0",
        description="Master data, work orders, trace and figures of a plant.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        max_body_size=BODY_BYTES_MAX,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.sign_in_rules = rules
    app.state.metrics = Metrics(lambda: _engine_of(app))
    app.add_middleware(health.Measured, figures=app.state.metrics.requests)
    install_problem_documents(app)
    app.include_router(health.router)
    for router in ROUTERS:
        app.include_router(router)
    _serve_pages(app, config)
    return app


def _engine_of(app: FastAPI) -> Engine | None:
    central: Central | None = getattr(app.state, "central", None)
    return None if central is None else central.engine


def _attach(app: FastAPI, central: Central) -> None:
    app.state.central = central
    app.state.workplace = Workplace(
        central.engine, central.clock, authenticate=authenticate, listeners=central.listeners
    )


def _serve_pages(app: FastAPI, config: CentralConfig) -> None:
    """The API page, and the console with its own paths; both are files of this package."""
    app.mount("/docs", StaticFiles(directory=DOCS, html=True), name="docs")
    console = Path(config.server.web_directory or PACKAGE / "web_dist" / "console")

    @app.get("/{path:path}", include_in_schema=False, dependencies=[Depends(public)])
    async def page(path: str) -> Response:
        """A file of the console, or its start page for one of its own paths."""
        if path.startswith(API_PREFIXES):
            raise HTTPException(404, "There is no such route.")
        found = await run_in_threadpool(page_file, console, path)
        if found is None:
            raise HTTPException(404, "The console is not built; the API is at /docs.")
        cache = "no-cache" if found.suffix == ".html" else "public, max-age=86400"
        if "assets/" in path:
            cache = "public, max-age=31536000, immutable"  # their names change with their content
        return FileResponse(found, headers={"Cache-Control": cache})


def page_file(console: Path, path: str) -> Path | None:
    """The file that answers a path of the console: itself, else the start page."""
    found = (console / path).resolve()
    if path and found.is_file() and found.is_relative_to(console.resolve()):
        return found
    start = console / "index.html"
    return start if start.is_file() else None
