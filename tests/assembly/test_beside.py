from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI, Response

from relevo.assembly.beside import Beside, asking

happened: list[str] = []


def an_app(name: str, *, ready: bool = True) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        happened.append(f"{name} begins")
        yield
        happened.append(f"{name} ends")

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def get_readyz(response: Response) -> dict[str, object]:
        response.status_code = 200 if ready else 503
        return {"said_by": name, "checks": ["database"]}

    @app.get("/{path:path}")
    async def get_anything(path: str) -> dict[str, str]:
        return {"said_by": name, "path": path}

    return app


async def ask(beside: Beside, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=beside)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
        return await http.get(path)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/oauth/token", "issuer"),
        ("/.well-known/oauth-authorization-server", "issuer"),
        ("/v1/referrals", "service"),
        ("/livez", "service"),
        ("/oauthx", "service"),
    ],
)
async def test_each_path_goes_to_whom_it_belongs(path: str, who: str) -> None:
    answer = await ask(Beside(an_app("service"), an_app("issuer")), path)
    assert answer.json()["said_by"] == who


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("failing", "status", "who"),
    [("nobody", 200, "service"), ("issuer", 503, "issuer"), ("service", 503, "service")],
)
async def test_a_process_is_ready_when_both_are(failing: str, status: int, who: str) -> None:
    service, issuer = (an_app(name, ready=name != failing) for name in ("service", "issuer"))
    answer = await ask(Beside(service, issuer), "/readyz")
    assert (answer.status_code, answer.json()["said_by"]) == (status, who)


@pytest.mark.asyncio
async def test_the_issuer_begins_first_and_ends_last() -> None:
    happened.clear()
    async with Beside(an_app("service"), an_app("issuer")).running():
        pass
    assert happened == ["issuer begins", "service begins", "service ends", "issuer ends"]


@pytest.mark.asyncio
async def test_a_service_asks_its_issuer_inside_the_process() -> None:
    fetch = asking(an_app("issuer"))
    assert b'"path":"oauth/jwks"' in await fetch("https://no-such-host.example/oauth/jwks")


@pytest.mark.asyncio
async def test_what_the_issuer_refuses_is_an_error_to_the_service() -> None:
    fetch = asking(an_app("issuer", ready=False))
    with pytest.raises(httpx.HTTPStatusError):
        await fetch("https://no-such-host.example/readyz")
