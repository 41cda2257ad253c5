"""Who may join, and what a gateway refuses to approve."""

import json
from typing import Any

import pytest

from relevo.contracts.institution import REGISTRATION_TYP, PeerGateway
from relevo.contracts.problem import ProblemError
from relevo.gateway.exceptions import MissingKeysError, RegistrationError
from relevo.gateway.operations import keys, membership
from relevo.gateway.operations.context import GatewayKeys
from relevo.gateway.storage import institutions
from relevo.servicekit import jose
from tests.gateway.federation import Institution, RunningGateway, claims_of

pytestmark = pytest.mark.asyncio


def signed(institution: Institution, changes: dict[str, Any]) -> str:
    claims = claims_of(institution.registration()) | changes
    return jose.sign(claims, institution.identity, typ=REGISTRATION_TYP)


async def test_a_registration_that_nobody_should_approve_is_refused(mx: RunningGateway) -> None:
    ours, theirs = Institution("mx.nueva"), Institution("gt.igm")
    other = Institution("mx.otra")
    key = ours.client.as_dict(private=False)
    bad = [
        "x.y.z",
        theirs.registration(),
        signed(ours, {"profile": claims_of(other.registration())["profile"]}),
        signed(ours, {"key_set": other.key_set()}),
        jose.sign(claims_of(ours.registration()), other.identity, typ=REGISTRATION_TYP),
        jose.sign(claims_of(ours.registration()), ours.identity, typ="another+jwt"),
        signed(ours, {"client_key": key | {"use": "enc", "kid": "k"}}),
    ]
    for registration in bad:
        with pytest.raises(RegistrationError):
            membership.approve(mx.gateway, registration, approved_by="Ana")
    with pytest.raises(RegistrationError):
        membership.approve(mx.gateway, ours.registration(), approved_by="  ")
    assert mx.gateway.database.read_now(institutions.get, ours.id) is None


async def test_new_keys_need_two_persons_again_and_the_old_ones_serve_until_then(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    old = albergue.signing
    albergue.signing = jose.generate_signing_key()
    registration = albergue.registration(version=2)
    first = membership.approve(mx.gateway, registration, approved_by="Ana")
    assert first.missing == 1
    [taken] = await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now, key=old,
        grants=[albergue.grant(casa.id, now=mx.clock.now, key=old)]))  # fmt: skip
    assert taken.result == "accepted"
    membership.approve(mx.gateway, registration, approved_by="Berta")
    [taken] = await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now))
    assert taken.result == "accepted"
    current, albergue.signing = albergue.signing, jose.generate_signing_key()
    with pytest.raises(RegistrationError, match="other keys under the version"):
        membership.approve(mx.gateway, albergue.registration(version=2), approved_by="Ana")
    albergue.signing = current
    with pytest.raises(RegistrationError):
        membership.approve(
            mx.gateway, signed(albergue, {"key_set": albergue.key_set(1)}), approved_by="Ana"
        )


async def test_approving_twice_changes_nothing(mx: RunningGateway, albergue: Institution) -> None:
    before = mx.gateway.database.read_now(institutions.get, albergue.id)
    again = membership.approve(mx.gateway, albergue.registration(), approved_by="Carla")
    assert again.state == "active"
    assert mx.gateway.database.read_now(institutions.get, albergue.id) == before


async def test_an_institution_moves_only_where_a_person_may_move_it(
    mx: RunningGateway, albergue: Institution
) -> None:
    await membership.set_state(mx.gateway, albergue.id, "left", by="mx.operator")
    with pytest.raises(ProblemError, match="illegal_transition"):
        await membership.set_state(mx.gateway, albergue.id, "active", by="mx.operator")
    with pytest.raises(ProblemError, match="not_found"):
        await membership.set_state(mx.gateway, "mx.nobody", "suspended", by="mx.operator")
    with pytest.raises(RegistrationError):
        membership.approve(mx.gateway, albergue.registration(version=3), approved_by="Ana")


async def test_a_card_makes_a_peer_and_a_bad_one_does_not(
    mx: RunningGateway, gt: RunningGateway
) -> None:
    card = keys.card(gt.gateway.settings)
    client = membership.add_peer(mx.gateway, card.model_dump_json(), approved_by="Ana")
    assert (client.client_id, client.audience) == ("gateway.gt", mx.gateway.settings.base_url)
    assert client.jwks["keys"][0]["kid"] == card.client_key.kid
    for bad in (
        "{}",
        keys.card(mx.gateway.settings).model_dump_json(),
        json.dumps(card.model_dump(mode="json") | {"countries": ["MX"]}),
        json.dumps(card.model_dump(mode="json") | {"gateway": "gateway.hn"}),
    ):
        with pytest.raises(RegistrationError):
            membership.add_peer(mx.gateway, bad, approved_by="Ana")


async def test_the_directory_lists_pages_and_asks_peers_for_theirs(
    mx: RunningGateway,
    gt: RunningGateway,
    albergue: Institution,
    casa: Institution,
    igm: Institution,
) -> None:
    membership.approve(mx.gateway, Institution("mx.nueva").registration(), approved_by="Ana")
    first = (await mx.get("/v1/directory", albergue.id, limit=1)).json()
    assert [found["institution"] for found in first["institutions"]] == [albergue.id]
    second = (await mx.get("/v1/directory", albergue.id, cursor=first["next_cursor"])).json()
    assert [found["institution"] for found in second["institutions"]] == [casa.id]
    assert second["next_cursor"] is None
    theirs = (await mx.get("/v1/directory", albergue.id, country="GT")).json()
    assert [found["institution"] for found in theirs["institutions"]] == [igm.id]
    assert theirs["institutions"][0]["gateway"] == gt.name
    assert theirs["institutions"][0]["fingerprint"] == jose.thumbprint(igm.identity)
    nobody = (await mx.get("/v1/directory", albergue.id, mandate="ombudsperson")).json()
    assert nobody["institutions"] == []
    assert (await mx.get("/v1/directory", albergue.id, country="HN")).json()["institutions"] == []


async def test_an_entry_is_signed_by_its_home_gateway_whoever_hands_it_on(
    mx: RunningGateway, gt: RunningGateway, albergue: Institution, igm: Institution
) -> None:
    cards = (await mx.get("/v1/gateways", albergue.id)).json()
    assert {PeerGateway.model_validate(card).gateway for card in cards} == {mx.name, gt.name}
    for institution, home in ((albergue, mx), (igm, gt)):
        response = await mx.get(f"/v1/directory/{institution.id}/entry", albergue.id)
        assert response.headers["content-type"].startswith("application/jwt")
        claims = jose.verify(
            response.text, home.gateway.keys.signing, typ="relevo-directory-entry+jwt"
        )
        assert (claims["iss"], claims["state"]) == (home.name, "active")
    for unknown in ("mx.nobody", "gt.nobody", "hn.nobody"):
        assert (await mx.get(f"/v1/directory/{unknown}/entry", albergue.id)).status_code == 404
    # Peers are told of our own only: nobody vouches for a third.
    assert (await mx.get(f"/v1/directory/{igm.id}/entry", gt.name)).status_code == 404


async def test_a_gateway_without_keys_says_what_to_run(mx: RunningGateway) -> None:
    settings = mx.gateway.settings.model_copy(
        update={"key_directory": mx.gateway.settings.key_directory / "none"}
    )
    with pytest.raises(MissingKeysError, match="relevo gateway init"):
        GatewayKeys.load(settings)
    with pytest.raises(MissingKeysError, match="relevo gateway init"):
        keys.own_key_set(settings)
    with pytest.raises(FileExistsError):
        keys.init(mx.gateway.settings, now=mx.clock.now)
