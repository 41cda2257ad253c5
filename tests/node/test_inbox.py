"""What a node does with envelopes that should not be: each has its answer and nothing is stored."""

import base64
import json
import time
from datetime import timedelta
from typing import Any

import pytest

from relevo.contracts.envelope import ENVELOPE_TYP
from relevo.contracts.exchange import MessageAnswer, MessageBatch
from relevo.contracts.institution import KEY_SET_TYP, SignedKeySet
from relevo.node.operations.receive import receive
from relevo.node.storage import referrals
from relevo.servicekit import jose
from relevo.servicekit.padding import pad
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER
from tests.support.node_requests import consented, look, step, submitted
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio


async def an_envelope(network: Network) -> str:
    """A good envelope that was sent and not delivered yet."""
    shelter = network.members[SHELTER]
    await submitted(shelter, await consented(shelter))
    await shelter.send_what_waits()
    [jws] = network.waiting
    network.waiting = []
    return jws


def signed_anew(member: Member, jws: str, **changes: Any) -> str:
    _, claims = jose.peek(jws)
    changed = {k: v for k, v in (claims | changes).items() if v is not None}
    return jose.sign(changed, member.node.keys.signing[0], typ=ENVELOPE_TYP)


def sealed_anew(network: Network, content: dict[str, Any], source: str = SHELTER) -> str:
    receiver = network.members[INSTITUTE].node.keys.encryption[0]
    public = jose.import_public_key(jose.public_jwk(receiver))
    return jose.seal(pad(json.dumps(content).encode()), public, apu=source, apv=INSTITUTE)


def opened(network: Network, jws: str) -> dict[str, Any]:
    _, claims = jose.peek(jws)
    _, text = jose.open_sealed(claims["content"], network.members[INSTITUTE].node.keys.encryption)
    content: dict[str, Any] = json.loads(text)
    return content


async def name_of(network: Network, jws: str) -> str:
    answer: MessageAnswer = await network.deliver(jws)
    assert answer.result == "refused"
    assert answer.problem is not None
    async with network.members[INSTITUTE].http() as http:
        assert (await http.get("/v1/referrals")).json()["referrals"] == []
        assert (await http.get("/v1/events")).json()["events"] == []
    assert "Tomasa" not in answer.problem.model_dump_json()
    return answer.problem.type.rpartition("/")[2]


async def test_the_same_bytes_twice_count_once(network: Network) -> None:
    jws = await an_envelope(network)
    assert (await network.deliver(jws)).result == "accepted"
    assert (await network.deliver(jws)).result == "duplicate"
    async with network.members[INSTITUTE].http() as http:
        events = (await http.get("/v1/events")).json()["events"]
    assert [event["type"] for event in events] == ["org.relevo.referral.received"]


async def test_one_id_with_other_bytes_is_a_replay(network: Network) -> None:
    jws = await an_envelope(network)
    await network.deliver(jws)
    other = signed_anew(network.members[SHELTER], jws, triage="red")
    answer = await network.deliver(other)
    assert answer.problem is not None
    assert answer.problem.type.endswith("/envelope_replayed")


async def test_an_expired_envelope(network: Network) -> None:
    jws = await an_envelope(network)
    network.clock.advance(timedelta(days=31))
    assert await name_of(network, jws) == "envelope_expired"


async def test_an_old_envelope_is_taken_until_it_expires(network: Network) -> None:
    jws = await an_envelope(network)
    network.clock.advance(timedelta(days=29))
    assert (await network.deliver(jws)).result == "accepted"


async def test_an_envelope_from_the_future(network: Network) -> None:
    jws = await an_envelope(network)
    network.clock.advance(timedelta(hours=-1))
    assert await name_of(network, jws) == "envelope_from_future"


async def test_an_envelope_that_lives_too_long(network: Network) -> None:
    jws = await an_envelope(network)
    later = int(network.clock.now.timestamp()) + 100 * 86_400
    long = signed_anew(network.members[SHELTER], jws, exp=later)
    assert await name_of(network, long) == "envelope_lifetime"


async def test_a_signature_by_another_institution(network: Network) -> None:
    jws = await an_envelope(network)
    forged = signed_anew(network.members[CONSULATE], jws)
    assert await name_of(network, forged) == "envelope_signature_invalid"


async def test_claims_changed_under_an_old_signature(network: Network) -> None:
    jws = await an_envelope(network)
    header, _, signature = jws.split(".")
    changed = json.dumps(jose.peek(jws)[1] | {"triage": "red"}).encode()
    claims = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
    assert await name_of(network, f"{header}.{claims}.{signature}") == "envelope_signature_invalid"


async def test_an_envelope_for_somebody_else(network: Network) -> None:
    jws = await an_envelope(network)
    other = signed_anew(network.members[SHELTER], jws, aud=CONSULATE)
    member = network.members[INSTITUTE]
    network.members[CONSULATE], network.members[INSTITUTE] = member, network.members[CONSULATE]
    answer = await network.deliver(other)
    assert answer.problem is not None
    assert answer.problem.type.endswith("/envelope_wrong_audience")


async def test_truncated_content(network: Network) -> None:
    jws = await an_envelope(network)
    _, claims = jose.peek(jws)
    cut = signed_anew(network.members[SHELTER], jws, content=claims["content"][:-40])
    assert await name_of(network, cut) == "undecryptable"


async def test_content_stolen_and_signed_by_another_institution(network: Network) -> None:
    """The consulate puts its own envelope around what the shelter sealed."""
    jws = await an_envelope(network)
    stolen = signed_anew(network.members[CONSULATE], jws, iss=CONSULATE, grants=None)
    assert await name_of(network, stolen) == "grant_mismatch"


async def test_other_grants_outside_than_inside(network: Network) -> None:
    first, second = await an_envelope(network), await an_envelope(network)
    grants = jose.peek(second)[1]["grants"]
    assert (
        await name_of(network, signed_anew(network.members[SHELTER], first, grants=grants))
        == "grant_mismatch"
    )


async def test_more_inside_than_the_envelope_says(network: Network) -> None:
    jws = await an_envelope(network)
    content = opened(network, jws)
    content["body"]["persons"][0]["health"] = {"summary": "dolor"}
    more = signed_anew(
        network.members[SHELTER],
        jws,
        content=sealed_anew(network, content),
    )
    assert await name_of(network, more) == "grant_mismatch"


async def test_a_category_that_no_grant_covers(network: Network) -> None:
    jws = await an_envelope(network)
    more = signed_anew(network.members[SHELTER], jws, categories=["identity", "contact", "health"])
    assert await name_of(network, more) == "grant_invalid"


async def test_a_grant_that_its_issuer_did_not_sign(network: Network) -> None:
    jws = await an_envelope(network)
    _, claims = jose.peek(jws)
    header, grant = jose.peek(claims["grants"][0])
    forged = jose.sign(grant, network.members[CONSULATE].node.keys.signing[0], typ=header["typ"])
    assert (
        await name_of(network, signed_anew(network.members[SHELTER], jws, grants=[forged]))
        == "grant_invalid"
    )


async def test_an_unknown_message_type(network: Network) -> None:
    jws = await an_envelope(network)
    other = signed_anew(network.members[SHELTER], jws, message_type="referral.submitted/2")
    assert await name_of(network, other) == "unsupported_version"


async def test_a_production_message_at_a_test_node(network: Network) -> None:
    jws = await an_envelope(network)
    real = signed_anew(network.members[SHELTER], jws, test=False)
    assert await name_of(network, real) == "test_message_refused"


@pytest.mark.parametrize("rubbish", ["", "x", "a.b.c", "{}", "é.é.é", "." * 400, "A" * 300_000])
async def test_rubbish(network: Network, rubbish: str) -> None:
    member = network.members[INSTITUTE]
    async with member.http(scopes="messages:deliver", institution="gateway.mx") as http:
        answer = await http.post("/v1/inbox", json={"envelopes": [rubbish]})
    if answer.status_code == 200:
        [one] = answer.json()["answers"]
        assert one["problem"]["type"].endswith("/envelope_malformed")
    else:
        assert answer.status_code == 422
    assert "Traceback" not in answer.text


async def test_only_the_gateway_that_was_joined_delivers(network: Network) -> None:
    member = network.members[INSTITUTE]
    async with member.http(scopes="messages:deliver", institution="gateway.hn") as http:
        answer = await http.post("/v1/inbox", json={"envelopes": []})
    assert answer.json()["type"].endswith("/not_yours")


async def test_a_referral_that_is_somebody_elses_cannot_be_moved(network: Network) -> None:
    """The consulate sends a state for a referral between the shelter and the institute."""
    jws = await an_envelope(network)
    await network.deliver(jws)
    institute = network.members[INSTITUTE]
    await institute.send_what_waits()
    [state] = network.waiting
    network.waiting = []
    forged = signed_anew(network.members[CONSULATE], state, iss=CONSULATE)
    answer = await network.deliver(forged)
    assert answer.problem is not None
    assert answer.problem.type.endswith("/grant_mismatch")
    referral = jose.peek(jws)[1]["sub"]
    assert (await look(network.members[SHELTER], referral))["state"] == "submitted"


async def test_good_messages_of_a_batch_are_kept_beside_bad_ones(network: Network) -> None:
    good, other = await an_envelope(network), await an_envelope(network)
    bad = signed_anew(network.members[CONSULATE], other)
    member = network.members[INSTITUTE]
    async with member.http(scopes="messages:deliver", institution="gateway.mx") as http:
        answer = await http.post("/v1/inbox", json={"envelopes": [bad, good, "x"]})
        listed = await http.get("/livez")
    assert listed.status_code == 200
    assert [one["result"] for one in answer.json()["answers"]] == ["refused", "accepted", "refused"]


async def test_a_changed_identity_key_is_not_believed(network: Network) -> None:
    jws = await an_envelope(network)
    network.key_sets[SHELTER] = _key_set_by_another(network)
    network.members[INSTITUTE].directory.forget(SHELTER)
    assert await name_of(network, jws) == "key_changed"


def _key_set_by_another(network: Network) -> SignedKeySet:
    consulate = network.members[CONSULATE]
    _, claims = jose.peek(consulate.registration.key_set)
    identity = jose.load_key(consulate.settings.key_directory / "identity.jwk")
    claims |= {"iss": SHELTER, "iat": int(time.time()), "version": 2}
    return SignedKeySet(key_set=jose.sign(claims, identity, typ=KEY_SET_TYP))


async def test_a_grant_id_used_twice_fails_nobody_else(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter)
    await submitted(shelter, consent)
    await submitted(shelter, consent)
    await shelter.send_what_waits()
    first, second = network.waiting
    network.waiting = []
    _, claims = jose.peek(first)
    content = opened(network, second)
    content["grant_ids"] = [jose.peek(grant)[1]["jti"] for grant in claims["grants"]]
    again = signed_anew(
        shelter, second, grants=claims["grants"], content=sealed_anew(network, content)
    )
    batch = MessageBatch(envelopes=[again, first])
    answers = await receive(institute.node, institute.directory, batch)
    assert [answer.result for answer in answers.answers] == ["accepted", "accepted"]


async def test_a_message_about_an_erased_person_is_refused_alone(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter)
    erased, kept = await submitted(shelter, consent), await submitted(shelter, consent)
    await network.settle()
    for referral in (erased, kept):
        answer = await step(institute, referral, to="acknowledged", seen_by="Turno A")
        assert answer.status_code == 200, answer.text
    await institute.send_what_waits()
    held = shelter.node.database.read_now(referrals.by_ids, [erased])[erased]
    shelter.node.vault.destroy(held.data_key_id)
    batch = MessageBatch(envelopes=network.waiting)
    network.waiting = []
    answers = (await receive(shelter.node, shelter.directory, batch)).answers
    assert sorted(answer.result for answer in answers) == ["accepted", "refused"]
    assert (await look(shelter, kept))["state"] == "acknowledged"
