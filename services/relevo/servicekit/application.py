"""The shell that every service's application has: problems, limits, log lines, health, OpenAPI."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from .health import Check, health_router
from .limits import MAX_BODY_BYTES, LimitsMiddleware
from .logging import AccessLogMiddleware
from .openapi import install_openapi, operation_id
from .problems import install_problem_handlers

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def new_application(
    *,
    title: str,
    version: str,
    summary: str,
    checks: Mapping[str, Check],
    description: str = "",
    lifespan: Lifespan | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    body_limits: Mapping[str, int] | None = None,
    media_types: Mapping[str, Sequence[str]] | None = None,
) -> FastAPI:
    """An application without routes of its own; `checks` are those of `/readyz`."""
    app = FastAPI(
        title=title,
        version=version,
        summary=summary,
        description=description,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    # The last one added is the outermost: a line is logged whatever happens inside.
    install_problem_handlers(app)
    app.add_middleware(
        LimitsMiddleware,
        max_body_bytes=max_body_bytes,
        body_limits=body_limits,
        media_types=media_types,
    )
    app.add_middleware(AccessLogMiddleware)
    add_health(app, checks)
    install_openapi(app)
    return app


def add_health(app: FastAPI, checks: Mapping[str, Check]) -> None:
    """Gives an application `/livez` and `/readyz`, which makes these checks."""
    app.state.checks = checks
    add_routes(app, health_router(*checks))


def add_routes(app: FastAPI, *routers: APIRouter) -> None:
    """Gives an application the routes of routers, which it may share with others in the process.

    `include_router` would read every handler's signature again for each application.
    """
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                route.unique_id = operation_id(route)
            app.router.routes.append(route)
