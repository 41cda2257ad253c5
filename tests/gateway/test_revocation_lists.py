"""Revoked attestations: each institution brings its own list, and whoever verifies gets it, also elsewhere."""

from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.attestation import STATUS_LIST_TYP
from relevo.servicekit import jose
from tests.gateway.federation import Institution, Network, RunningGateway
from tests.gateway.test_services import ask

pytestmark = pytest.mark.asyncio


def a_list(
    gateway: RunningGateway, institution: Institution, *, key: Any = None, **claims: Any
) -> str:
    said = {"iss": institution.id, "iat": int(gateway.clock.now.timestamp()), **claims}
    return jose.sign(said, key or institution.signing, typ=STATUS_LIST_TYP)


async def put(gateway: RunningGateway, institution: str, status_list: str, *, by: str) -> int:
    path = f"/v1/directory/{institution}/revocation-list"
    answer = await ask(gateway, "PUT", path, by, {"status_list": status_list})
    return answer.status_code


async def got(gateway: RunningGateway, institution: str, *, by: str) -> Any:
    answer = await ask(gateway, "GET", f"/v1/directory/{institution}/revocation-list", by)
    return answer.json()["status_list"] if answer.status_code == 200 else answer.status_code


async def test_the_newest_list_is_kept(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    assert await got(mx, casa.id, by=albergue.id) == 404
    old = a_list(mx, casa)
    mx.clock.advance(timedelta(hours=1))
    new = a_list(mx, casa)
    for status_list in (new, old):
        assert await put(mx, casa.id, status_list, by=casa.id) == 204
    assert await got(mx, casa.id, by=albergue.id) == new


async def test_nobody_brings_a_list_of_somebody_else_or_one_that_was_not_signed(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    assert await put(mx, casa.id, a_list(mx, casa), by=albergue.id) == 404
    later = int((mx.clock.now + timedelta(days=1)).timestamp())
    for wrong in (
        a_list(mx, casa, key=albergue.signing),
        a_list(mx, casa, iss=albergue.id),
        a_list(mx, casa, iat=later),
        a_list(mx, casa, iat="now"),
        jose.sign({"iss": casa.id, "iat": 1}, casa.signing, typ="relevo-grant+jwt"),
        "ñ",
    ):
        assert await put(mx, casa.id, wrong, by=casa.id) == 422
    assert await got(mx, casa.id, by=albergue.id) == 404


async def test_a_list_of_another_country_is_asked_of_its_gateway(
    network: Network,
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    igm: Institution,
) -> None:
    status_list = a_list(gt, igm)
    assert await put(gt, igm.id, status_list, by=igm.id) == 204
    assert await got(mx, igm.id, by=albergue.id) == status_list
    assert await got(mx, "gt.nobody", by=albergue.id) == 404
    assert await got(mx, "hn.belen", by=albergue.id) == 404  # no agreement
    network.down.add("gateway.gt.test")
    assert await got(mx, igm.id, by=albergue.id) == 503
