"""Both copies of a referral meet, whatever the network does (design: one event log per referral).

Two real nodes with their databases; an adversary delays, reorders, repeats and loses messages,
which their senders try again, and puts steps of both institutions in between.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relevo.contracts.lifecycles.referral import State
from relevo.node.main import PACKAGE
from relevo.servicekit import issuer_statements
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.database import Database
from tests.support.database import drop, fresh_postgresql_url
from tests.support.institutions import INSTITUTE, SHELTER, START
from tests.support.node_requests import COMPLETION, a_key, consented, look, step, submitted
from tests.support.nodes import Member, Network, a_member, pin_each_other

RESPONSES: dict[str, dict[str, object]] = {
    "completed": COMPLETION,
    "info_requested": {
        "to": "info_requested",
        "questions": [{"category": "contact", "text": "¿A qué número?"}],
    },
}

# What the adversary does next: with which message, by position among those on their way.
NETWORK_MOVES = ("deliver", "repeat", "lose", "wait")
MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *NETWORK_MOVES,
                *NETWORK_MOVES,
                "institute",
                "institute",
                "institute",
                "close",
                "cancel",
                "error",
                "supply",
                "withdraw",
            ]
        ),
        st.integers(min_value=0, max_value=7),
    ),
    max_size=40,
)


@contextmanager
def two_nodes(kind: str) -> Iterator[Network]:
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr(issuer_statements, "RETRY_SECONDS", 0)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        network = Network(FixedClock(START))
        for institution in (SHELTER, INSTITUTE):
            url = f"sqlite:///{folder / institution}.db"
            if kind == "postgresql":
                url = fresh_postgresql_url(PACKAGE)
                stack.callback(drop, url)
            database = Database(url)
            stack.callback(database.close)
            stack.enter_context(
                a_member(network, institution, folder, database, pinning="confirmed")
            )
        pin_each_other(network)
        yield network


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_both_copies_meet_whatever_the_network_does(kind: str) -> None:
    with two_nodes(kind) as network:

        @settings(
            max_examples=25 if kind == "sqlite" else 10,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(MOVES)
        def converge(moves: list[tuple[str, int]]) -> None:
            asyncio.run(_play(network, moves))

        converge()


async def _play(network: Network, moves: list[tuple[str, int]]) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await consented(shelter)
    referral = await submitted(shelter, consent)
    on_their_way: list[str] = []
    for move, choice in moves:
        await _collect(network, on_their_way)
        if move in NETWORK_MOVES:
            await _disturb(network, on_their_way, move, choice)
        elif move == "institute":
            await _answer(network, referral, choice)
        else:
            await _say(shelter, referral, consent, move)
    while on_their_way or await _collect(network, on_their_way):
        await network.deliver(on_their_way.pop())
        await _collect(network, on_their_way)
    here = await look(shelter, referral)
    async with institute.http() as http:
        if (await http.get(f"/v1/referrals/{referral}")).status_code == 404:
            # Withdrawn before it arrived, or taken back before it left: nothing of it may be there.
            assert here["sharing"] == "withdrawn" or here["delivery"] == "recalled"
            return
    there = await look(institute, referral)
    for name in ("state", "event_seq", "sharing"):
        assert here[name] == there[name], (name, here[name], there[name])
    for place in ("persons", "at"):
        assert [one[place] for one in here["information"] if one["message"] in _kept(there)] == [
            one[place] for one in there["information"]
        ], "what is there is what was supplied"
    assert await _events(network, SHELTER, referral) == await _events(network, INSTITUTE, referral)


def _kept(there: dict[str, Any]) -> set[str]:
    return {one["message"] for one in there["information"]}


async def _say(shelter: Member, referral: str, consent: str, move: str) -> None:
    """The shelter's system says something, whether or not it fits now."""
    supplied = {
        "persons": [{"person_id": "T-1", "contact": {"phones": ["+502 0000-7777"]}}],
        "share": ["contact"],
    }
    path, body = {
        "withdraw": (f"/v1/consents/{consent}/withdraw", {"said_at": START.isoformat()}),
        "close": (f"/v1/referrals/{referral}/close", None),
        "cancel": (f"/v1/referrals/{referral}/cancel", {"reason": "duplicate"}),
        "error": (f"/v1/referrals/{referral}/cancel", {"reason": "entered_in_error"}),
        "supply": (f"/v1/referrals/{referral}/information", supplied),
    }[move]
    async with shelter.http() as http:
        answer = await http.post(path, json=body, headers=a_key())
    assert answer.status_code in {200, 409}, answer.text


async def _disturb(network: Network, on_their_way: list[str], move: str, choice: int) -> None:
    if move == "wait":
        network.clock.advance(timedelta(minutes=choice))
    elif on_their_way:
        at = choice % len(on_their_way)
        if move == "deliver":
            await network.deliver(on_their_way.pop(at))
        elif move == "repeat":
            await network.deliver(on_their_way[at])
        else:
            # Lost: whoever holds it until a receipt comes sends the same bytes again, later.
            on_their_way.append(on_their_way.pop(at))


async def _collect(network: Network, on_their_way: list[str]) -> bool:
    for member in network.members.values():
        await member.send_what_waits()
    fresh, network.waiting = network.waiting, []
    on_their_way += fresh
    return bool(fresh)


async def _answer(network: Network, referral: str, choice: int) -> None:
    institute = network.members[INSTITUTE]
    async with institute.http() as http:
        found = await http.get(f"/v1/referrals/{referral}")
    if found.status_code == 404:
        return
    possible: list[State] = found.json()["possible_next"]
    if possible:
        to = possible[choice % len(possible)]
        body = RESPONSES.get(to, {"to": to, "reason": "other"})
        if to == "scheduled":
            body = {"to": to, "appointment": {"at": f"2026-03-03T1{choice}:00:00Z"}}
        answer = await step(institute, referral, **body)
        assert answer.status_code == 200, answer.text


async def _events(network: Network, institution: str, referral: str) -> list[tuple[int, str, bool]]:
    async with network.members[institution].http() as http:
        history = (await http.get(f"/v1/referrals/{referral}/history")).json()
    return [(entry["seq"], entry["state"], entry["applicable"]) for entry in history]
