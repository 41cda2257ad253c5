"""Follow-up after return between two nodes: asked for, tried within her rules, reported, minimised."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text as sql

from relevo.servicekit import jose
from relevo.servicekit.ids import new_reference_code
from tests.support.follow_ups import (
    HERS,
    REPORT,
    ask,
    asked,
    consent,
    feed_of,
    get,
    guatemala,
    post,
    problem,
    referred,
    tried,
)
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER
from tests.support.node_requests import a_consent, a_key, submitted
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio


async def test_the_story_from_request_to_result(network: Network) -> None:
    institute, consulate = network.members[INSTITUTE], network.members[CONSULATE]
    follow_up = await asked(network)
    held = await get(institute, follow_up)
    assert (held["role"], held["persons"], held["asker"]) == ("holder", [1], CONSULATE)
    # Day 30, ten in the morning: her rules say from five to eight in the evening.
    network.clock.now = guatemala(30, "10:00")
    early = (await post(institute, f"{follow_up}/attempts", {"modality": "call"})).json()
    assert (early["outcome"], early["forbidden_by"]) == ("not_attempted_rule", "hours")
    assert early["numbers"] == []
    assert early["introduce_as"] is None
    assert datetime.fromisoformat(early["next_at"]) == guatemala(30, "17:00")
    assert (await get(institute, follow_up))["state"] == "accepted"
    # The same evening nobody answers; the next day she does.
    shown = await tried(network, follow_up, guatemala(30, "17:30"), "no_answer")
    assert shown["numbers"] == [HERS]
    assert (shown["introduce_as"], shown["ask_pass_phrase"]) == ("de la tienda de celulares", True)
    await tried(network, follow_up, guatemala(31, "18:10"), "answered")
    done = await post(institute, f"{follow_up}/report", REPORT)
    assert done.status_code == 200, done.text
    await network.settle()
    known = await get(consulate, follow_up)
    assert known["state"] == "completed"
    assert known["result"] == {
        "ended": "completed",
        "situation": "stable",
        "living_situation": None,
        "document_received": None,
        "open_needs": 1,
        "needs": [],
        "reported_at": done.json()["result"]["reported_at"],
    }
    assert known["report"] is None
    assert known["attempts"] == []
    ours, theirs = (await get(institute, follow_up)), known
    assert ours["history"] == theirs["history"]
    assert [entry["state"] for entry in ours["history"]] == [
        "requested",
        "accepted",
        "in_progress",
        "completed",
    ]
    assert [attempt["outcome"] for attempt in ours["attempts"]] == [
        "not_attempted_rule",
        "no_answer",
        "answered",
    ]
    assert all(attempt["numbers"] == [] for attempt in ours["attempts"])


async def test_nothing_of_her_leaves_the_node_but_the_result(network: Network) -> None:
    follow_up = await asked(network)
    await tried(network, follow_up, guatemala(31, "18:10"), "answered")
    await network.settle()
    sent = len(network.carried)
    await post(network.members[INSTITUTE], f"{follow_up}/report", REPORT)
    await network.settle()
    bodies = []
    for jws in network.carried[sent:]:
        content = jose.peek(jws)[1]["content"]
        keys = network.members[CONSULATE].node.keys.encryption
        bodies.append(jose.open_sealed(content, keys)[1].decode())
    assert len(bodies) == 2
    assert not any("remigration" in body or "hija" in body or HERS in body for body in bodies)
    result = next(
        jose.peek(j)[1] for j in network.carried if "result" in jose.peek(j)[1]["message_type"]
    )
    assert result["categories"] == ["service_history"]
    assert result["purpose"] == "follow_up"
    assert result["pathway"] == "post-return-follow-up"
    assert result["sub"] == follow_up
    for member in network.members.values():
        for event in await feed_of(member):
            assert set(event["data"]) <= {"id", "event_seq"}


async def test_what_is_learned_is_sealed_at_rest(network: Network) -> None:
    follow_up = await asked(network)
    await tried(network, follow_up, guatemala(31, "18:10"), "answered")
    await post(network.members[INSTITUTE], f"{follow_up}/report", REPORT)
    await network.settle()
    kept = (
        "SELECT * FROM follow_up",
        "SELECT * FROM follow_up_event",
        "SELECT * FROM follow_up_attempt",
        "SELECT * FROM outbox",
    )

    def rows(connection: Any) -> str:
        return "".join(str(row) for query in kept for row in connection.execute(sql(query)))

    for member in (network.members[INSTITUTE], network.members[CONSULATE]):
        text = member.node.database.read_now(rows)
        assert follow_up in text
        assert "hija" not in text
        assert "0000-1204" not in text
        assert "stable" not in text


async def test_who_did_not_opt_in_is_followed_up_for_nobody(network: Network) -> None:
    code = await referred(network, purposes=["service_delivery"])
    unknown = await ask(network, new_reference_code("MX"))
    refused = await ask(network, code)
    assert refused.status_code == unknown.status_code == 404
    assert refused.content == unknown.content


async def test_a_request_that_goes_around_the_gateway_is_a_code_that_does_not_exist(
    network: Network,
) -> None:
    """The holder's node asks its own slices, whatever a gateway said."""
    first = await referred(network)
    other = await referred(network, recipients=a_consent()["recipients"][:2])
    # The consulate is named for one code, and says the other to the institute.
    asker = network.members[CONSULATE]
    gateway = asker.node.gateway
    holder = await gateway.follow_up_holder(_query(asker, first))

    async def told(_: str) -> Any:
        return holder

    asker.node.gateway.follow_up_holder = told  # type: ignore[method-assign]
    wrong = [(await ask(network, code)).json()["id"] for code in (other, new_reference_code("MX"))]
    answers = await network.settle()
    problems = [a.problem for a in answers if a.result == "refused"]
    assert len(problems) == 2
    assert problems[0] == problems[1]
    assert problems[0] is not None
    assert problems[0].type.endswith("not_found")
    async with network.members[INSTITUTE].http() as http:
        assert (await http.get("/v1/follow-ups")).json()["follow_ups"] == []
    assert {(await get(asker, follow_up))["state"] for follow_up in wrong} == {"requested"}


def _query(asker: Member, code: str) -> str:
    claims = {
        "iss": asker.id,
        "aud": "gateway.mx",
        "jti": "0198c7a5-1d20-4c11-9e02-5a7f31c0dd21",
        "iat": 0,
        "exp": 1,
        "reference_code": code,
    }
    return jose.sign(claims, asker.node.keys.signing[0], typ="relevo-follow-up-query+jwt")


@pytest.mark.parametrize(
    ("opening", "rule"),
    [
        ({"modality": "whatsapp"}, "channel_refused"),
        ({"modality": "visit"}, "only_numbers"),
        ({"modality": "call", "number": "+502 0000-9999"}, "only_numbers"),
    ],
)
async def test_each_rule_forbids_and_no_number_is_shown(
    network: Network, opening: dict[str, Any], rule: str
) -> None:
    follow_up = await asked(network)
    network.clock.now = guatemala(30, "17:30")
    answer = await post(network.members[INSTITUTE], f"{follow_up}/attempts", opening)
    assert answer.status_code == 201
    assert answer.json()["forbidden_by"] == rule
    assert HERS not in answer.text


async def test_contact_that_she_prohibited_is_never_attempted(network: Network) -> None:
    follow_up = await asked(network, contact_rules={"prohibited": True})
    network.clock.now = guatemala(30, "17:30")
    answer = await post(network.members[INSTITUTE], f"{follow_up}/attempts", {"modality": "call"})
    assert answer.json()["forbidden_by"] == "prohibited"
    assert HERS not in answer.text


async def test_attempts_are_made_within_the_window(network: Network) -> None:
    follow_up = await asked(network)
    for moment in (guatemala(27, "17:30"), guatemala(36, "17:30")):
        network.clock.now = moment
        answer = await post(
            network.members[INSTITUTE], f"{follow_up}/attempts", {"modality": "call"}
        )
        assert (answer.status_code, problem(answer)) == (409, "outside_window")


async def test_answered_needs_the_pass_phrase_as_she_says_it(network: Network) -> None:
    follow_up = await asked(network)
    network.clock.now = guatemala(30, "17:30")
    institute = network.members[INSTITUTE]
    seq = (await post(institute, f"{follow_up}/attempts", {"modality": "call"})).json()["seq"]
    path = f"{follow_up}/attempts/{seq}/outcome"
    for said in ({}, {"pass_phrase": "la milpa"}):
        answer = await post(institute, path, {"outcome": "answered", **said})
        assert (answer.status_code, problem(answer)) == (422, "pass_phrase_wrong")
        assert "espig" not in answer.text
    typed = {"outcome": "answered", "pass_phrase": "La milpa, ya ESPIGO."}
    assert (await post(institute, path, typed)).status_code == 200
    # Said twice it is said once; said otherwise it is refused.
    assert (await post(institute, path, typed)).status_code == 200
    other = await post(institute, path, {"outcome": "no_answer"})
    assert (other.status_code, problem(other)) == (409, "illegal_transition")


async def test_an_attempt_asked_twice_with_one_key_is_one_attempt(network: Network) -> None:
    follow_up = await asked(network)
    network.clock.now = guatemala(30, "19:59")
    institute = network.members[INSTITUTE]
    key = a_key()
    async with institute.http() as http:
        path = f"/v1/follow-ups/{follow_up}/attempts"
        first = await http.post(path, json={"modality": "call"}, headers=key)
        again = await http.post(path, json={"modality": "call"}, headers=key)
        assert first.json() == again.json()
        # Two minutes later the same retry shows nothing: her hours are over.
        network.clock.now = guatemala(30, "20:01")
        late = await http.post(path, json={"modality": "call"}, headers=key)
    assert late.json()["seq"] == first.json()["seq"]
    assert late.json()["numbers"] == []
    assert len((await get(institute, follow_up))["attempts"]) == 1


async def test_nobody_is_given_up_before_three_attempts_on_two_days(network: Network) -> None:
    follow_up = await asked(network)
    institute = network.members[INSTITUTE]
    for day, clock in ((30, "17:30"), (30, "18:30")):
        await tried(network, follow_up, guatemala(day, clock), "no_answer")
    # What a rule forbade does not count as trying.
    network.clock.now = guatemala(31, "09:00")
    await post(institute, f"{follow_up}/attempts", {"modality": "call"})
    early = await post(institute, f"{follow_up}/transitions", {"to": "unreachable"})
    assert (early.status_code, problem(early)) == (409, "too_few_attempts")
    assert early.json()["attempts"] == 2
    # Three on two days, but by one channel where text messages are allowed too.
    await tried(network, follow_up, guatemala(31, "17:30"), "no_answer")
    one = await post(institute, f"{follow_up}/transitions", {"to": "unreachable"})
    assert problem(one) == "too_few_attempts"
    await tried(network, follow_up, guatemala(31, "18:30"), "left_safe_message", modality="sms")
    done = await post(institute, f"{follow_up}/transitions", {"to": "unreachable"})
    assert done.status_code == 200, done.text
    await network.settle()
    assert (await get(network.members[CONSULATE], follow_up))["state"] == "unreachable"


async def test_a_report_needs_somebody_who_answered(network: Network) -> None:
    follow_up = await asked(network)
    await tried(network, follow_up, guatemala(30, "17:30"), "no_answer")
    answer = await post(network.members[INSTITUTE], f"{follow_up}/report", REPORT)
    assert (answer.status_code, problem(answer)) == (409, "answered_needed")


async def test_withdrawal_ends_it_and_no_number_is_shown_any_more(network: Network) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent_id = await consent(shelter)
    referral = await submitted(shelter, consent_id)
    await network.settle()
    async with shelter.http() as http:
        code = (await http.get(f"/v1/referrals/{referral}")).json()["reference_code"]
    follow_up = (await ask(network, code)).json()["id"]
    await network.settle()
    await post(institute, f"{follow_up}/transitions", {"to": "accepted"})
    await tried(network, follow_up, guatemala(30, "17:30"), "answered")
    async with shelter.http() as http:
        said = {"said_at": network.clock.now.isoformat()}
        answer = await http.post(f"/v1/consents/{consent_id}/withdraw", json=said)
        assert answer.status_code == 200, answer.text
    await network.settle()
    for member in (institute, network.members[CONSULATE]):
        assert (await get(member, follow_up))["state"] == "consent_withdrawn"
    network.clock.now = guatemala(31, "17:30")
    answer = await post(institute, f"{follow_up}/attempts", {"modality": "call"})
    assert (answer.status_code, problem(answer)) == (409, "illegal_transition")
    late = await post(institute, f"{follow_up}/report", REPORT)
    assert problem(late) == "illegal_transition"
