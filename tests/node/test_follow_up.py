"""Follow-up after return between two nodes: asked for, tried within her rules, reported, minimised."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text as sql

from relevo.contracts.exchange import MessageBatch
from relevo.node.operations.carry_out_follow_up import end_overdue_follow_ups
from relevo.node.operations.receipts import end_message
from relevo.node.operations.receive import receive
from relevo.node.storage import outbox
from relevo.node.storage.holdings import Holdings
from relevo.servicekit import jose
from relevo.servicekit.ids import new_reference_code
from tests.support.nodes import (
    CONSULATE,
    INSTITUTE,
    RECEPTION,
    SHELTER,
    START,
    Member,
    Network,
    a_consent,
    a_key,
    consented,
    submitted,
)

pytestmark = pytest.mark.asyncio

HERS = "+502 0000-1204"
PHRASE = "la milpa ya espigó"
RULES = {
    "only_numbers": [HERS],
    "channels_refused": ["whatsapp"],
    "from_time": "17:00",
    "until_time": "20:00",
    "time_zone": "America/Guatemala",
    "introduce_as": "de la tienda de celulares",
    "pass_phrase": PHRASE,
}
DAY = timedelta(days=1)
FROM, UNTIL = START + 28 * DAY, START + 35 * DAY
REPORT: dict[str, Any] = {
    "ended": "completed",
    "situation": "stable",
    "living_situation": "with_own_family",
    "document_received": True,
    "wants": ["vocational_training"],
    "remigration_intention": "yes",
    "note": "Vive con su hija.",
}


def guatemala(day: int, clock: str) -> datetime:
    """A local time there, which is UTC-6 all year."""
    hour, minute = map(int, clock.split(":"))
    midnight = START.replace(hour=6, minute=0)
    return midnight + timedelta(days=day, hours=hour, minutes=minute)


async def consent(shelter: Member, **changes: Any) -> str:
    purposes = ["service_delivery", "follow_up"]
    given = {"purposes": purposes, "contact_rules": RULES, **changes}
    return await consented(shelter, **given)


async def referred(network: Network, **changes: Any) -> str:
    """A referral whose person opted in, at the institute; its reference code."""
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consent(shelter, **changes))
    await network.settle()
    async with shelter.http() as http:
        return str((await http.get(f"/v1/referrals/{referral}")).json()["reference_code"])


def an_ask(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "reference_code": code,
        "window_from": FROM.isoformat(),
        "window_until": UNTIL.isoformat(),
        **changes,
    }


async def ask(network: Network, code: str, **changes: Any) -> httpx.Response:
    async with network.members[CONSULATE].http() as http:
        return await http.post("/v1/follow-ups", json=an_ask(code, **changes), headers=a_key())


async def post(member: Member, path: str, body: Any = None, **claims: Any) -> httpx.Response:
    async with member.http(**claims) as http:
        return await http.post(f"/v1/follow-ups/{path}", json=body, headers=a_key())


async def get(member: Member, follow_up: str) -> dict[str, Any]:
    async with member.http() as http:
        answer = await http.get(f"/v1/follow-ups/{follow_up}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def asked(network: Network, **changes: Any) -> str:
    """A follow-up that the institute has accepted."""
    code = await referred(network, **changes)
    answer = await ask(network, code)
    assert answer.status_code == 201, answer.text
    await network.settle()
    follow_up = str(answer.json()["id"])
    accepted = await post(
        network.members[INSTITUTE], f"{follow_up}/transitions", {"to": "accepted"}
    )
    assert accepted.status_code == 200, accepted.text
    await network.settle()
    return follow_up


async def tried(
    network: Network, follow_up: str, at: datetime, outcome: str, **more: Any
) -> dict[str, Any]:
    """Opens an attempt and says what came of it; the answer to opening it."""
    network.clock.now = at
    institute = network.members[INSTITUTE]
    opened = await post(institute, f"{follow_up}/attempts", {"modality": "call", **more})
    assert opened.status_code == 201, opened.text
    ending = {"outcome": outcome} | ({"pass_phrase": PHRASE} if outcome == "answered" else {})
    path = f"{follow_up}/attempts/{opened.json()['seq']}/outcome"
    ended = await post(institute, path, ending)
    assert ended.status_code == 200, ended.text
    found: dict[str, Any] = opened.json()
    return found


def problem(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rpartition("/")[2]


async def feed_of(member: Member) -> list[dict[str, Any]]:
    async with member.http() as http:
        page = (await http.get("/v1/events?limit=500")).json()
    return [event for event in page["events"] if "follow_up" in event["type"]]


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
        assert "1204" not in text
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


async def test_the_asker_may_cancel_and_the_holder_answers(network: Network) -> None:
    follow_up = await asked(network)
    consulate, institute = network.members[CONSULATE], network.members[INSTITUTE]
    answer = await post(consulate, f"{follow_up}/cancel")
    assert (answer.json()["state"], answer.json()["cancel_asked"]) == ("accepted", True)
    assert (await post(consulate, f"{follow_up}/cancel")).status_code == 200
    await network.settle()
    for member in (consulate, institute):
        assert (await get(member, follow_up))["state"] == "cancelled"
    other = await post(institute, f"{follow_up}/cancel")
    assert problem(other) == "illegal_transition"


async def test_each_side_takes_its_own_steps(network: Network) -> None:
    follow_up = await asked(network)
    consulate, institute = network.members[CONSULATE], network.members[INSTITUTE]
    theirs = await post(consulate, f"{follow_up}/transitions", {"to": "in_progress"})
    assert (theirs.status_code, problem(theirs)) == (409, "not_your_step")
    ours = await post(institute, f"{follow_up}/cancel")
    assert (ours.status_code, problem(ours)) == (409, "not_your_step")
    attempt = await post(consulate, f"{follow_up}/attempts", {"modality": "call"})
    assert problem(attempt) == "illegal_transition"
    reason = await post(institute, f"{follow_up}/transitions", {"to": "unreachable"})
    assert problem(reason) == "illegal_transition"


async def test_a_declined_request_names_its_reason(network: Network) -> None:
    code = await referred(network)
    follow_up = (await ask(network, code)).json()["id"]
    await network.settle()
    institute = network.members[INSTITUTE]
    bare = await post(institute, f"{follow_up}/transitions", {"to": "declined"})
    assert (bare.status_code, problem(bare)) == (422, "reason_required")
    step = {"to": "declined", "reason": "no_capacity"}
    assert (await post(institute, f"{follow_up}/transitions", step)).status_code == 200
    await network.settle()
    known = await get(network.members[CONSULATE], follow_up)
    assert (known["state"], known["history"][-1]["reason"]) == ("declined", "no_capacity")


async def test_another_unit_sees_it_only_when_it_is_redirected_to_it(network: Network) -> None:
    code = await referred(network)
    follow_up = (await ask(network, code)).json()["id"]
    await network.settle()
    institute = network.members[INSTITUTE]
    async with institute.http(unit="gt.igm.car") as other:
        assert (await other.get(f"/v1/follow-ups/{follow_up}")).status_code == 404
        assert (await other.get("/v1/follow-ups")).json()["follow_ups"] == []
        path = f"{follow_up}/transitions"
        away = await post(institute, path, {"to": "redirected", "redirect_to": "gt.renap"})
        assert (away.status_code, problem(away)) == (422, "invalid_input")
        step = {"to": "redirected", "redirect_to": "gt.igm.car"}
        assert (await post(institute, path, step, unit=RECEPTION)).status_code == 200
        assert (await other.get(f"/v1/follow-ups/{follow_up}")).status_code == 200
    taken = await post(institute, path, {"to": "accepted"}, unit="gt.igm.car")
    assert taken.json()["carried_out_by"] == "gt.igm.car"
    hidden = await post(
        institute, path, {"to": "scheduled", "scheduled_at": FROM.isoformat()}, unit=RECEPTION
    )
    assert hidden.status_code == 404
    await tried_by_car(network, follow_up)
    await network.settle()
    assert (await get(network.members[CONSULATE], follow_up))["result"]["situation"] == "stable"


async def tried_by_car(network: Network, follow_up: str) -> None:
    await tried(network, follow_up, guatemala(30, "17:30"), "answered")
    done = await post(network.members[INSTITUTE], f"{follow_up}/report", REPORT, unit="gt.igm.car")
    assert done.status_code == 200, done.text


async def test_what_nobody_carried_out_expires_with_its_window(network: Network) -> None:
    code = await referred(network)
    waiting = (await ask(network, code)).json()["id"]
    begun = await asked(network)
    await tried(network, begun, guatemala(30, "17:30"), "answered")
    institute = network.members[INSTITUTE]
    network.clock.now = UNTIL - timedelta(minutes=1)
    await end_overdue_follow_ups(institute.node)
    assert (await get(institute, waiting))["state"] == "requested"
    network.clock.now = UNTIL
    await end_overdue_follow_ups(institute.node)
    await network.settle()
    assert (await get(network.members[CONSULATE], waiting))["state"] == "expired"
    # What was begun can still be reported for a week.
    assert (await get(institute, begun))["state"] == "in_progress"
    network.clock.now = UNTIL + 7 * DAY
    await end_overdue_follow_ups(institute.node)
    assert (await get(institute, begun))["state"] == "expired"


async def test_asking_twice_with_one_key_asks_once(network: Network) -> None:
    code = await referred(network)
    key = a_key()
    async with network.members[CONSULATE].http() as http:
        answers = [
            await http.post("/v1/follow-ups", json=an_ask(code), headers=key) for _ in range(2)
        ]
    assert answers[0].json() == answers[1].json()
    await network.settle()
    async with network.members[INSTITUTE].http() as http:
        assert len((await http.get("/v1/follow-ups?role=holder")).json()["follow_ups"]) == 1


async def test_a_request_that_comes_in_one_batch_with_its_referral_is_taken(
    network: Network,
) -> None:
    """A node that was away fetches both at once."""
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consent(shelter))
    await shelter.send_what_waits()
    async with shelter.http() as http:
        code = (await http.get(f"/v1/referrals/{referral}")).json()["reference_code"]
    follow_up = (await ask(network, code)).json()["id"]
    await network.members[CONSULATE].send_what_waits()
    batch, network.waiting = network.waiting, []
    assert len(batch) == 2
    answer = await receive(institute.node, institute.directory, MessageBatch(envelopes=batch))
    assert [one.result for one in answer.answers] == ["accepted", "accepted"]
    held = await get(institute, follow_up)
    assert (held["persons"], held["referral_id"]) == ([1], referral)
    # And again: each message counts once.
    again = await receive(institute.node, institute.directory, MessageBatch(envelopes=batch))
    assert [one.result for one in again.answers] == ["duplicate", "duplicate"]


async def test_without_a_gateway_nothing_is_asked(network: Network) -> None:
    code = await referred(network)
    network.down = True
    answer = await ask(network, code)
    assert (answer.status_code, problem(answer)) == (503, "gateway_unreachable")


async def test_a_window_that_is_over_is_refused(network: Network) -> None:
    code = await referred(network)
    network.clock.now = UNTIL
    answer = await ask(network, code)
    assert (answer.status_code, problem(answer)) == (422, "invalid_input")


async def test_a_scope_is_needed_for_each_side(network: Network) -> None:
    institute = network.members[INSTITUTE]
    follow_up = await asked(network)
    async with institute.http(scopes="follow_ups:read referrals:respond") as http:
        assert (await http.get(f"/v1/follow-ups/{follow_up}")).status_code == 200
        answer = await http.post(f"/v1/follow-ups/{follow_up}/transitions", json={"to": "unsafe"})
        assert (answer.status_code, problem(answer)) == (403, "insufficient_scope")
        answer = await http.post("/v1/follow-ups", json=an_ask("MX-00000000000"), headers=a_key())
        assert answer.status_code == 403


async def test_an_unsafe_end_alerts_whoever_carries_it_out(network: Network) -> None:
    follow_up = await asked(network)
    institute = network.members[INSTITUTE]
    await post(institute, f"{follow_up}/transitions", {"to": "unsafe"})
    types = [event["type"] for event in await feed_of(institute)]
    assert types[-2:] == ["org.relevo.follow_up.state_changed", "org.relevo.follow_up.safety_alert"]


async def test_a_request_that_comes_back_ends_and_says_why(network: Network) -> None:
    code = await referred(network)
    consulate = network.members[CONSULATE]
    follow_up = (await ask(network, code)).json()["id"]

    def come_back(connection: Any) -> None:
        holdings = Holdings(connection, consulate.node.vault, [])
        [message] = outbox.claim(connection, consulate.node.vault, now=network.clock.now, limit=1)
        end_message(
            connection,
            holdings,
            consulate.node,
            message.sent,
            "refused",
            problem="not_found",
            now=network.clock.now,
        )
        holdings.write()

    consulate.node.database.write_now(come_back)
    known = await get(consulate, follow_up)
    assert (known["state"], known["refused_with"]) == ("declined", "not_found")
    assert (await feed_of(consulate))[-1]["subject"] == follow_up
