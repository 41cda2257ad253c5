"""What one institution revoked, known wherever its attestations are verified."""

from datetime import timedelta

import pytest

from relevo.contracts.attestation import TrustedIssuers
from relevo.node.operations.revocation_lists import Published, publish_once
from relevo.servicekit import attestations, jose
from tests.node.test_attestations import a_certificate, presented
from tests.support.institutions import INSTITUTE, RECEPTION, SHELTER, START
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


async def test_whoever_verifies_elsewhere_learns_what_was_revoked_and_how_old_that_is(
    network: Network,
) -> None:
    institute, shelter = network.members[INSTITUTE], network.members[SHELTER]
    issued = await a_certificate(institute)
    shown = await presented(institute, issued)

    async def looked(days: int = 0) -> tuple[str, str]:
        async with shelter.http() as http:
            answer = await http.get("/v1/attestations/keys", params={"institution": INSTITUTE})
        assert answer.status_code == 200, answer.text
        found = attestations.read_trust(TrustedIssuers.model_validate(answer.json()))
        now = network.clock.now + timedelta(days=days)
        verdict = attestations.verify(shown, found, now=now)
        return verdict.result, verdict.revocation

    assert await looked() == ("valid", "unknown")  # nothing was brought to the gateway yet
    published = Published()
    await publish_once(institute.node, published)
    assert await looked() == ("valid", "checked")
    async with institute.http(unit=RECEPTION) as http:
        path = f"/v1/attestations/{issued['id']}/revoke"
        assert (await http.post(path, json={"reason": "wrong"})).status_code == 200
    await publish_once(institute.node, published)
    assert await looked() == ("valid", "checked")  # kept for some hours
    network.clock.advance(timedelta(hours=13))
    assert await looked() == ("revoked", "checked")
    network.down = True
    network.clock.advance(timedelta(hours=13))
    assert await looked(days=9) == ("revoked", "checked")  # what is revoked stays so
    network.down = False


async def test_with_the_link_down_the_list_that_is_kept_goes_along_and_is_said_to_be_old(
    network: Network,
) -> None:
    institute, shelter = network.members[INSTITUTE], network.members[SHELTER]
    shown = await presented(institute, await a_certificate(institute))
    await publish_once(institute.node, Published())
    async with shelter.http() as http:
        params = {"institution": INSTITUTE}
        await http.get("/v1/attestations/keys", params=params)
    network.revocation_lists.clear()
    network.clock.advance(timedelta(days=8))
    async with shelter.http() as http:
        answer = await http.get("/v1/attestations/keys", params=params)
    found = attestations.read_trust(TrustedIssuers.model_validate(answer.json()))
    verdict = attestations.verify(shown, found, now=network.clock.now)
    assert (verdict.result, verdict.revocation) == ("valid", "stale")
    assert verdict.revocation_as_of == START


async def test_a_list_that_somebody_else_signed_counts_for_nothing(network: Network) -> None:
    institute, shelter = network.members[INSTITUTE], network.members[SHELTER]
    shown = await presented(institute, await a_certificate(institute))
    network.revocation_lists[INSTITUTE] = jose.sign(
        {"iss": INSTITUTE, "iat": int(START.timestamp())},
        shelter.node.keys.signing[0],
        typ="statuslist+jwt",
    )
    async with shelter.http() as http:
        answer = await http.get("/v1/attestations/keys", params={"institution": INSTITUTE})
    found = attestations.read_trust(TrustedIssuers.model_validate(answer.json()))
    assert attestations.verify(shown, found, now=START).revocation == "unknown"
