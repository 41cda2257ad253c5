"""Whether the process runs (`/livez`) and whether it can do its job (`/readyz`)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from relevo.contracts.problem import ProblemError

from .logging import get_logger
from .openapi import answer
from .problems import problem_responses

CHECK_SECONDS: Final = 5.0

Check = Callable[[], Awaitable[None]]
"""Raises when the job cannot be done; the answer names it."""


class Health(BaseModel):
    """What was looked at and found well."""

    status: str = Field(default="ok", examples=["ok"])
    checks: list[str] = Field(default=[], examples=[["database", "migrations", "workers"]])


@cache
def health_router(*names: str) -> APIRouter:
    """Routes for probes, which make the checks of these names in `app.state.checks`."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/livez",
        summary="Is the process running?",
        description="Looks at nothing else: a process that answers need not be started again.",
        responses=answer(200, "It is.", {"status": "ok", "checks": []}),
    )
    async def get_livez() -> Health:
        return Health()

    @router.get(
        "/readyz",
        summary="Can the service do its job?",
        description="503 names the failing checks in `checks`.",
        responses=answer(200, "It can.", {"status": "ok", "checks": list(names)})
        | problem_responses("unavailable"),
    )
    async def get_readyz(request: Request) -> Health:
        checks: Mapping[str, Check] = request.app.state.checks
        verdicts = await asyncio.gather(*(_holds(name, checks[name]) for name in names))
        failed = [name for name, well in zip(names, verdicts, strict=True) if not well]
        if failed:
            raise ProblemError("unavailable", checks=failed)
        return Health(checks=list(names))

    return router


async def _holds(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the service is not ready
        get_logger().warning("check_failed", check=name, exc_info=error)
        return False
    return True
