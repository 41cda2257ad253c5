"""On two nodes: from every state each side tries every step; what is written happens, the rest changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from relevo.contracts.problem import ProblemError
from relevo.contracts.referral import Transition
from relevo.contracts.scopes import Scope
from relevo.node.operations.cancel import CancelRequest, cancel
from relevo.node.operations.transition import transition
from relevo.servicekit.access_token import Caller
from tests.node.conftest import members
from tests.support.documented_lifecycles import NEEDS_REASON, REFERRAL, moves
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER, START
from tests.support.node_requests import COMPLETION, consented, look, step, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio

TABLE: Final = moves(REFERRAL)
STATES: Final = sorted({state for move in TABLE for state in move})
SIDES: Final = {"sender": SHELTER, "receiver": INSTITUTE}
INTERRUPTIONS: Final = {"info_requested", "cancel_requested"}
SAYING: Final[dict[str, dict[str, Any]]] = {
    "completed": COMPLETION,
    "info_requested": {
        "to": "info_requested",
        "questions": [{"category": "contact", "text": "¿A qué número?"}],
    },
    "scheduled": {"to": "scheduled", "appointment": {"at": "2026-03-03T15:00:00Z"}},
}


def saying(to: str, *, reason: bool = True) -> dict[str, Any]:
    said = dict(SAYING.get(to, {"to": to}))
    return said | ({"reason": "other"} if reason else {})


@dataclass
class Walk:
    """Where one referral stands, as the design reads its history."""

    referral: str
    state: str = "received"
    interrupted: list[str] = field(default_factory=list)

    def steps(self) -> dict[str, str]:
        """Where people may take it from here, and which side."""
        found: dict[str, str] = {}
        for (here, to), written in TABLE.items():
            who, _, back = written.partition(", ")
            if here == self.state and who in SIDES and (not back or to == self.interrupted[-1]):
                found[to] = who
        return found

    def moved(self, to: str) -> "Walk":
        back = TABLE[self.state, to].endswith("back")
        interrupted = [*self.interrupted]
        if back:
            interrupted.pop()
        elif to in INTERRUPTIONS:
            interrupted.append(self.state)
        else:
            interrupted.clear()
        return Walk(self.referral, to, interrupted)


def way_to_something_new(walk: Walk, done: set[tuple[str, str]]) -> list[str]:
    """The shortest way on that ends with a step that nobody took yet; none when there is none."""
    ways: list[tuple[Walk, list[str]]] = [(walk, [])]
    seen = set()
    for here, way in ways:
        for to in here.steps():
            if (here.state, to) not in done:
                return [*way, to]
            after = here.moved(to)
            key = (after.state, tuple(after.interrupted))
            if key not in seen and len(after.interrupted) < 3:
                seen.add(key)
                ways.append((after, [*way, to]))
    return []


@pytest.fixture
def pair(tmp_path: Any) -> Iterator[Network]:
    with members("sqlite", tmp_path, SHELTER, INSTITUTE) as made:
        yield made


async def held(network: Network, referral: str) -> list[Any]:
    """All that either side shows of it, and what either told its own systems."""
    found: list[Any] = []
    for institution in SIDES.values():
        async with network.members[institution].http() as http:
            found.append((await http.get(f"/v1/referrals/{referral}")).json())
            found.append((await http.get(f"/v1/referrals/{referral}/history")).json())
            found.append((await http.get("/v1/events?limit=500")).json()["events"][-1])
    return found


def somebody(institution: str) -> Caller:
    return Caller(
        client_id="case-system",
        institution=institution,
        unit=None,
        mandates=frozenset(),
        purpose=None,
        scopes=frozenset(Scope),
    )


async def tried(said: Callable[[], Any]) -> str | None:
    """The name of the refusal, if it was one."""
    try:
        await said()
    except ProblemError as refused:
        return refused.name
    return None


async def everything_else_is_refused(network: Network, walk: Walk) -> None:
    before = await held(network, walk.referral)
    allowed = walk.steps()
    for side, institution in SIDES.items():
        member = network.members[institution]
        caller = somebody(institution)
        for to in STATES:
            if allowed.get(to) == side:
                if to not in NEEDS_REASON:
                    continue
                body, expected = saying(to, reason=False), {"reason_required"}
            else:
                body = saying(to)
                expected = {"not_your_step"} if to in allowed else {"illegal_transition"}
                # A step that is repeated has been taken, which is no fault.
                expected |= {None} if to == walk.state else set()
            asked = Transition.model_validate(body)
            name = await tried(
                lambda: transition(member.node, caller, walk.referral, asked)  # noqa: B023
            )
            assert name in expected, (walk.state, to, side)
        stranger = somebody(CONSULATE)
        accepting = Transition(to="accepted")
        name = await tried(
            lambda: transition(member.node, stranger, walk.referral, accepting)  # noqa: B023
        )
        assert name in {"not_found", "not_yours"}
    receiver = network.members[INSTITUTE]
    wish = CancelRequest(reason="duplicate")
    name = await tried(lambda: cancel(receiver.node, somebody(INSTITUTE), walk.referral, wish))
    assert name == "not_your_step"
    assert await held(network, walk.referral) == before, walk.state


async def walked(
    network: Network, walk: Walk, done: set[tuple[str, str]], visited: set[str]
) -> Walk:
    """Takes it on as long as there is a step that nobody took yet."""
    while True:
        if walk.state not in visited:
            visited.add(walk.state)
            await network.settle()
            await everything_else_is_refused(network, walk)
        way = way_to_something_new(walk, done)
        if not way:
            return walk
        side = walk.steps()[way[0]]
        if side == "sender":
            await network.settle()
        answer = await step(network.members[SIDES[side]], walk.referral, **saying(way[0]))
        assert answer.status_code == 200, (walk.state, way, answer.text)
        assert answer.json()["state"] == way[0]
        done.add((walk.state, way[0]))
        walk = walk.moved(way[0])


async def test_every_step_that_is_written_happens_and_no_other(pair: Network) -> None:
    shelter = pair.members[SHELTER]
    consent = await consented(shelter)
    by_nodes = {"draft", "submitted", "expired", "consent_withdrawn"}
    expected = {
        move
        for move, written in TABLE.items()
        if written.partition(", ")[0] in SIDES and move[0] not in by_nodes
    }
    done: set[tuple[str, str]] = set()
    visited: set[str] = set()
    while not expected <= done:
        before = len(done)
        walk = await walked(pair, Walk(await sent(pair, consent)), done, visited)
        assert len(done) > before
        await pair.settle()
        for institution in SIDES.values():
            assert (await look(pair.members[institution], walk.referral))["state"] == walk.state
    assert {state for move in done for state in move} == set(STATES) - by_nodes
    own = await consented(shelter)
    withdrawn = Walk(await sent(pair, own), "consent_withdrawn")
    async with shelter.http() as http:
        said = {"said_at": START.isoformat()}
        assert (await http.post(f"/v1/consents/{own}/withdraw", json=said)).status_code == 200
    await walked(pair, withdrawn, done, visited)
    assert ("consent_withdrawn", "closed") in done


async def sent(network: Network, consent: str) -> str:
    referral = await submitted(network.members[SHELTER], consent)
    await network.settle()
    return referral
