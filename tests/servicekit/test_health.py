import asyncio

import httpx
import pytest

from relevo.servicekit import health
from relevo.servicekit.application import new_application


async def well() -> None:
    pass


async def broken() -> None:
    raise ConnectionError("the password is hunter2")


async def hanging() -> None:
    await asyncio.sleep(60)


async def ask(path: str, **checks: health.Check) -> httpx.Response:
    app = new_application(title="Node", version="1", summary="Trial.", checks=checks)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://node.example") as client:
        return await client.get(path)


@pytest.mark.asyncio
async def test_a_service_that_can_do_its_job_is_ready() -> None:
    response = await ask("/readyz", database=well, workers=well)
    assert response.json() == {"status": "ok", "checks": ["database", "workers"]}


@pytest.mark.asyncio
async def test_a_service_that_cannot_says_which_check_fails_and_not_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
    response = await ask("/readyz", database=broken, migrations=well, workers=hanging)
    assert response.status_code == 503
    assert response.json()["checks"] == ["database", "workers"]
    assert response.json()["type"].endswith("/unavailable")
    assert "hunter2" not in response.text


@pytest.mark.asyncio
async def test_a_process_that_runs_is_alive_whatever_else_fails() -> None:
    assert (await ask("/livez", database=broken)).status_code == 200
