"""On two nodes: each side tries every step of a follow-up; what is written happens, the rest changes nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from relevo.servicekit import issuer_statements
from tests.node.conftest import members
from tests.support.documented_lifecycles import FOLLOW_UP, moves
from tests.support.follow_ups import FROM, ask, feed_of, get, post, problem, referred
from tests.support.institutions import CONSULATE, INSTITUTE, RECEPTION, SHELTER
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio

TABLE: Final = moves(FOLLOW_UP)
STATES: Final = sorted({state for move in TABLE for state in move})
SIDES: Final = {"asker": CONSULATE, "holder": INSTITUTE}
OTHER_WAYS: Final = {"completed", "partial", "unreachable"}
"""Only a report, or enough attempts, lead here."""
WAYS: Final = [
    ["accepted", "scheduled", "refused"],
    ["accepted", "in_progress", "unsafe"],
    ["redirected", "declined"],
]


def saying(to: str) -> dict[str, Any]:
    more: dict[str, dict[str, Any]] = {
        "declined": {"reason": "other"},
        "redirected": {"redirect_to": "gt.igm.car"},
        "scheduled": {"scheduled_at": FROM.isoformat()},
    }
    return {"to": to, **more.get(to, {})}


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    monkeypatch.setattr(issuer_statements, "RETRY_SECONDS", 0)
    with members("sqlite", tmp_path, SHELTER, INSTITUTE, CONSULATE) as made:
        yield made


async def held(network: Network, follow_up: str) -> list[Any]:
    found: list[Any] = []
    for institution in SIDES.values():
        member = network.members[institution]
        found += [await get(member, follow_up), await feed_of(member)]
    return found


async def everything_else_is_refused(network: Network, follow_up: str, state: str) -> None:
    before = await held(network, follow_up)
    for side, institution in SIDES.items():
        for to in STATES:
            if TABLE.get((state, to)) == side and to not in OTHER_WAYS:
                continue
            answer = await post(
                network.members[institution], f"{follow_up}/transitions", saying(to)
            )
            if to == state and answer.status_code == 200:
                continue  # said twice, which is no fault
            assert answer.status_code in {409, 422}, (state, to, side, answer.text)
            assert problem(answer) in {
                "illegal_transition",
                "not_your_step",
                "too_few_attempts",
                "invalid_input",
            }, (state, to, side)
    assert await held(network, follow_up) == before, state


async def test_a_follow_up_takes_the_steps_that_are_written_and_no_other(three: Network) -> None:
    code = await referred(three)
    tried: set[str] = set()
    for way in WAYS:
        asked = await ask(three, code)
        assert asked.status_code == 201, asked.text
        follow_up = str(asked.json()["id"])
        await three.settle()
        for here, to in zip(["requested", *way], [*way, None], strict=True):
            if here not in tried:
                tried.add(here)
                await everything_else_is_refused(three, follow_up, here)
            if to is None:
                break
            claims = {"unit": RECEPTION if here != "redirected" else "gt.igm.car"}
            answer = await post(
                three.members[INSTITUTE], f"{follow_up}/transitions", saying(to), **claims
            )
            assert answer.status_code == 200, (here, to, answer.text)
            await three.settle()
            for institution in SIDES.values():
                assert (await get(three.members[institution], follow_up))["state"] == to
    assert tried == {"requested", *(state for way in WAYS for state in way)}
