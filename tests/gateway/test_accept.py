"""What a node hands over: good messages are taken, each bad one has its own problem."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from relevo.contracts.exchange import MessageAnswer
from relevo.gateway.operations.membership import approve
from relevo.servicekit import checkpoint, jose
from relevo.servicekit.ids import new_id, random_id
from tests.gateway.federation import (
    EVERYTHING,
    Institution,
    RunningGateway,
    claims_of,
    grant_id_of,
    problem_name,
)

pytestmark = pytest.mark.asyncio


def check_receipt(answer: MessageAnswer, gateway: RunningGateway, kind: str = "accepted") -> None:
    receipt = answer.receipt
    assert receipt is not None
    assert receipt.leaf.kind == kind
    assert receipt.leaf.gateway == gateway.name
    assert receipt.leaf.message_id == answer.message_id
    checkpoint.verify_leaf(
        receipt.leaf.leaf_bytes(),
        index=receipt.index,
        proof=receipt.proof,
        note=receipt.checkpoint,
        origin=checkpoint.origin_of(gateway.name),
        keys=gateway.gateway.keys.signing,
    )


async def test_a_good_message_is_accepted_and_its_receipt_verifies(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    [answer] = await mx.send(albergue, envelope)
    assert answer.result == "accepted", answer.problem
    assert answer.message_id == claims_of(envelope)["jti"]
    check_receipt(answer, mx)


async def test_every_message_of_a_batch_has_its_own_proof_under_one_checkpoint(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    first = await mx.send(
        albergue, *(albergue.envelope(casa.id, now=mx.clock.now) for _ in range(7))
    )
    later = await mx.send(
        albergue, *(albergue.envelope(casa.id, now=mx.clock.now) for _ in range(6))
    )
    for answer in first + later:
        check_receipt(answer, mx)
    assert len({answer.receipt.checkpoint for answer in later if answer.receipt}) == 1


async def test_the_same_bytes_again_are_a_duplicate_with_the_original_receipt(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    [first] = await mx.send(albergue, envelope)
    await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now))
    # Whatever has happened since: the message had been taken.
    mx.clock.advance(timedelta(days=31))
    [again] = await mx.send(albergue, envelope)
    assert again.result == "duplicate"
    check_receipt(again, mx)
    assert first.receipt
    assert again.receipt
    assert again.receipt.leaf == first.receipt.leaf
    assert again.receipt.index == first.receipt.index


async def test_the_same_bytes_twice_in_one_batch_are_taken_once(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    answers = await mx.send(albergue, envelope, envelope)
    assert [answer.result for answer in answers] == ["accepted", "duplicate"]
    assert answers[0].receipt == answers[1].receipt


async def test_other_bytes_under_a_known_id_are_a_replay(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    message_id = new_id()
    one, other = (albergue.envelope(casa.id, now=mx.clock.now, jti=message_id) for _ in range(2))
    answers = await mx.send(albergue, one, other)
    assert [answer.result for answer in answers] == ["accepted", "refused"]
    assert problem_name(answers[1]) == "envelope_replayed"
    [later] = await mx.send(albergue, other)
    assert problem_name(later) == "envelope_replayed"


@dataclass
class Case:
    """Somebody who tries something."""

    mx: RunningGateway
    albergue: Institution
    casa: Institution

    def envelope(self, **changes: object) -> str:
        receiver = str(changes.pop("to", self.casa.id))
        return self.albergue.envelope(receiver, now=self.mx.clock.now, **changes)  # type: ignore[arg-type]

    def under(self, **changes: object) -> str:
        """Content under one slice with these changes."""
        key = changes.pop("key", None)
        receiver = str(changes.pop("receiver", self.casa.id))
        slice_ = self.albergue.grant(receiver, now=self.mx.clock.now, key=key, **changes)  # type: ignore[arg-type]
        return self.envelope(grants=[slice_])

    def at(self, **offset: float) -> int:
        return int((self.mx.clock.now + timedelta(**offset)).timestamp())


BAD: dict[str, tuple[str, Callable[[Case], str]]] = {
    "expired": ("envelope_expired", lambda c: c.envelope(iat=c.at(days=-31), exp=c.at(seconds=-1))),
    "future": ("envelope_from_future", lambda c: c.envelope(iat=c.at(seconds=301))),
    "lives too long": ("envelope_lifetime", lambda c: c.envelope(exp=c.at(days=91))),
    "forged signature": (
        "envelope_signature_invalid", lambda c: c.envelope(key=jose.generate_signing_key()),
    ),
    "signed by the receiver": (
        "envelope_signature_invalid", lambda c: c.envelope(key=c.casa.signing),
    ),
    "altered after signing": (
        "envelope_signature_invalid",
        lambda c: ".".join(
            c.envelope().split(".")[:1] + c.envelope().split(".")[1:2] + c.envelope().split(".")[2:]
        ),
    ),
    "somebody else's": ("not_yours", lambda c: c.casa.envelope(c.albergue.id, now=c.mx.clock.now)),
    "not a token": ("envelope_malformed", lambda _: "not-a-token"),
    "not ASCII": ("envelope_malformed", lambda _: "ñ.ñ.ñ"),
    "another kind of token": (
        "envelope_malformed",
        lambda c: c.albergue.grant(c.casa.id, now=c.mx.clock.now),
    ),
    "unknown field": (
        "envelope_malformed",
        lambda c: jose.sign(
            claims_of(c.envelope()) | {"nationality": "HN"}, c.albergue.signing,
            typ="relevo-envelope+jwt",
        ),
    ),
    "content that is no sealed token": (
        "envelope_malformed", lambda c: c.envelope(content="YQ.YQ.YQ"),
    ),
    "content without content": ("envelope_malformed", lambda c: c.envelope(content=None)),
    "a withdrawal of nothing": (
        "envelope_malformed", lambda c: c.envelope(message_type="consent.withdrawn/1"),
    ),
    "a type that ends no grants": (
        "envelope_malformed", lambda c: c.envelope(withdrawn=[new_id()]),
    ),
    "a unit that does not exist": (
        "envelope_malformed", lambda c: c.envelope(iss="mx.albergue.nobody"),
    ),
    "unknown type": ("unsupported_version", lambda c: c.envelope(message_type="referral.gossip/1")),
    "later version": (
        "unsupported_version", lambda c: c.envelope(message_type="referral.submitted/2"),
    ),
    "no test flag": ("test_message_refused", lambda c: c.envelope(test=False)),
    "unknown receiver": ("receiver_unknown", lambda c: c.envelope(to="mx.nobody")),
    "unknown unit": ("receiver_unknown", lambda c: c.envelope(to="mx.casa.nobody")),
    "no route": ("no_route", lambda c: c.envelope(to="hn.belen")),
    "no consent": ("consent_missing", lambda c: c.envelope(grants=[])),
    "forged slice": ("grant_invalid", lambda c: c.under(key=jose.generate_signing_key())),
    "slice of somebody unknown": ("grant_invalid", lambda c: c.under(iss="mx.nobody")),
    "slice of a country without agreement": ("grant_invalid", lambda c: c.under(iss="hn.belen")),
    "slice of another sender": ("grant_invalid", lambda c: c.under(sender="mx.casa")),
    "slice of another receiver": ("grant_invalid", lambda c: c.under(receiver="mx.other")),
    "slice of another purpose": ("grant_invalid", lambda c: c.under(purposes=["legal_defence"])),
    "slice that is no slice": ("grant_invalid", lambda c: c.envelope(grants=["YQ.YQ.YQ"])),
    "category not covered": ("grant_invalid", lambda c: c.under(categories=["contact"])),
    "expired slice": (
        "grant_not_live", lambda c: c.under(nbf=c.at(days=-9), exp=c.at(seconds=-1)),
    ),
    "slice not yet valid": ("grant_not_live", lambda c: c.under(nbf=c.at(days=1))),
    "forbidden category": (
        "policy_denied",
        lambda c: c.envelope(
            categories=["criminal_record"],
            grants=[c.albergue.grant(c.casa.id, now=c.mx.clock.now, categories=["criminal_record"])],
        ),
    ),
    "to an enforcement unit": ("policy_denied", lambda c: c.envelope(to="mx.casa.patrulla")),
    "a basis that is none here": (
        "policy_denied",
        lambda c: c.envelope(
            basis={"basis": "legitimate_interest", "law": "art. 1", "authority": "mx.albergue"}
        ),
    ),
    "a receiver without the pathway's mandate": (
        "receiver_lacks_mandate", lambda c: c.envelope(pathway="gt-retorno-al-hogar", to="mx.mute"),
    ),
    "a type that the receiver does not list": (
        "message_type_not_accepted",
        lambda c: c.envelope(to="mx.mute", message_type="referral.counter_referral/1"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_each_bad_message_has_its_problem_and_the_good_ones_pass(
    name: str, mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    mx.join(Institution("mx.mute", mandates=["shelter"], message_types=["referral.submitted/1"]))
    expected, make = BAD[name]
    bad = make(Case(mx, albergue, casa))
    good = [albergue.envelope(casa.id, now=mx.clock.now) for _ in range(2)]
    answers = await mx.send(albergue, good[0], bad, good[1])
    assert [answer.result for answer in answers] == ["accepted", "refused", "accepted"]
    assert problem_name(answers[1]) == expected
    assert answers[1].receipt is None
    problem = answers[1].problem
    assert problem
    assert set(problem.translations) == {"en", "es"}


async def test_those_who_hold_the_mandate_are_offered_and_never_a_house_that_stands_in_no_list(
    mx: RunningGateway, albergue: Institution
) -> None:
    takes = {"message_types": ["referral.submitted/1"]}
    mx.join(Institution("mx.mute", mandates=["shelter"], **takes))
    mx.join(Institution("mx.centro", mandates=["health_care"], **takes))
    mx.join(
        Institution("mx.refugio", mandates=["health_care", "gbv_services"], type="shelter", **takes)
    )
    unit = {"id": "mx.hogar.ala", "name": "Ala", "mandates": ["health_care", "gbv_services"]}
    mx.join(Institution("mx.hogar", mandates=["shelter"], type="shelter", units=[unit], **takes))
    mx.join(Institution("mx.sorda", mandates=["health_care"], message_types=["referral.state/1"]))
    gone = Institution("mx.cerrada", mandates=["health_care"], **takes)
    mx.join(gone)
    await mx.post(f"/v1/institutions/{gone.id}/suspend", "mx.operator", {})
    envelope = albergue.envelope("mx.mute", now=mx.clock.now, pathway="mx-health-no-papers")
    [answer] = await mx.send(albergue, envelope)
    assert problem_name(answer) == "receiver_lacks_mandate"
    assert answer.problem
    assert answer.problem.model_dump()["offered"] == ["mx.centro"]


async def test_a_life_at_risk_needs_no_consent_but_its_law(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    basis = {
        "basis": "vital_interest",
        "law": "Ley de protección, art. 9",
        "authority": "mx.albergue",
    }
    [answer] = await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now, basis=basis))
    assert answer.result == "accepted"


async def test_control_messages_need_no_grant(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    [answer] = await mx.send(
        albergue, albergue.envelope(casa.id, now=mx.clock.now, message_type="referral.state/1")
    )
    assert answer.result == "accepted"


@pytest.mark.parametrize(("who", "expected"), [
    ("albergue", "sender_not_active"), ("casa", "receiver_not_active"),
])  # fmt: skip
async def test_a_suspended_institution_neither_sends_nor_receives_and_comes_back(
    who: str, expected: str, mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    suspended = {"albergue": albergue, "casa": casa}[who]
    told: list[tuple[str, ...]] = []
    mx.gateway.tell_issuer = lambda *said: told.append(said)
    path = f"/v1/institutions/{suspended.id}"
    assert (await mx.post(f"{path}/suspend", "mx.operator", {})).status_code == 200
    [answer] = await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now))
    assert problem_name(answer) == expected
    assert (await mx.post(f"{path}/resume", "mx.operator", {})).status_code == 200
    operator = told[0][2]
    assert told == [(suspended.id, "suspended", operator), (suspended.id, "active", operator)]
    [answer] = await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now))
    assert answer.result == "accepted"


async def test_an_institution_that_one_person_approved_is_not_on_the_network(
    mx: RunningGateway, albergue: Institution
) -> None:
    applied = Institution("mx.nueva")
    first = approve(mx.gateway, applied.registration(), approved_by="Ana Pérez")
    same = approve(mx.gateway, applied.registration(), approved_by="  ana  PÉREZ ")
    assert (first.state, first.missing, same.missing, same.client) == ("applied", 1, 1, None)
    [answer] = await mx.send(albergue, albergue.envelope(applied.id, now=mx.clock.now))
    assert problem_name(answer) == "receiver_unknown"
    second = approve(mx.gateway, applied.registration(), approved_by="Berta")
    assert (second.state, second.missing) == ("active", 0)
    assert second.welcome
    assert second.client
    assert second.client.client_id == second.welcome.client_id == applied.id
    [answer] = await mx.send(albergue, albergue.envelope(applied.id, now=mx.clock.now))
    assert answer.result == "accepted"


async def test_a_withdrawn_grant_lets_nothing_more_in(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    grant = albergue.grant(casa.id, now=mx.clock.now)
    grant_id = claims_of(grant)["jti"]
    [taken] = await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now, grants=[grant]))
    assert taken.result == "accepted"
    [told] = await mx.send(albergue, albergue.withdrawal(casa.id, [grant_id], now=mx.clock.now))
    assert told.result == "accepted"
    [refused] = await mx.send(
        albergue, albergue.envelope(casa.id, now=mx.clock.now, grants=[grant])
    )
    assert problem_name(refused) == "grant_not_live"


async def test_only_the_issuer_withdraws_a_grant(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    envelope = albergue.envelope(casa.id, now=mx.clock.now)
    await mx.send(albergue, envelope)
    grant_id = grant_id_of(envelope)
    [answer] = await mx.send(casa, casa.withdrawal(albergue.id, [grant_id], now=mx.clock.now))
    assert problem_name(answer) == "grant_invalid"


async def test_a_withdrawal_of_a_grant_never_seen_binds_its_issuer_alone(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    grant_id = random_id()
    [told] = await mx.send(casa, casa.withdrawal(albergue.id, [grant_id], now=mx.clock.now))
    assert told.result == "accepted"
    mine = albergue.grant(casa.id, now=mx.clock.now, jti=grant_id)
    [answer] = await mx.send(albergue, albergue.envelope(casa.id, now=mx.clock.now, grants=[mine]))
    assert answer.result == "accepted"


async def test_limits_of_a_batch_are_refused_whole(
    mx: RunningGateway, albergue: Institution
) -> None:
    many = await mx.post("/v1/messages", albergue.id, {"envelopes": ["a.a.a"] * 101})
    assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "/envelopes")
    large = {"envelopes": ["a" * 262_000] * 5}
    too_large = await mx.post("/v1/messages", albergue.id, large)
    assert too_large.status_code == 413
    one = await mx.post("/v1/messages", albergue.id, {"envelopes": ["a" * 262_145]})
    assert one.status_code == 422
    unknown = await mx.post("/v1/messages", albergue.id, {"letters": []})
    assert unknown.status_code == 422
    deep = await mx.post(
        "/v1/messages", albergue.id, b'{"envelopes":' + b"[" * 40 + b"]" * 40 + b"}"
    )
    assert deep.json()["type"].endswith("/too_deep")
    assert (await mx.post("/v1/messages", albergue.id, b"{")).status_code == 400
    assert (await mx.post("/v1/messages", albergue.id, {"envelopes": []})).json() == {"answers": []}


async def test_a_peer_hands_over_at_relay_and_nobody_else_does(
    mx: RunningGateway, albergue: Institution
) -> None:
    response = await mx.post("/v1/relay", albergue.id, {"envelopes": []})
    assert response.json()["type"].endswith("/insufficient_scope")
    stranger = await mx.post("/v1/relay", "gateway.xx", {"envelopes": []})
    assert stranger.json()["type"].endswith("/not_yours")


async def test_every_type_that_all_understand_has_its_file(albergue: Institution) -> None:
    assert set(albergue.message_types) == set(EVERYTHING)
