"""What people do with institutions and with what was not delivered: the moves that are written, and no other."""

import itertools
from dataclasses import replace
from typing import Any, get_args

import pytest
from sqlalchemy import update

from relevo.contracts.institution import InstitutionState
from relevo.contracts.problem import ProblemError
from relevo.gateway.domain.delivery import DeliveryState
from relevo.gateway.operations import desk, membership
from relevo.gateway.storage import institutions
from relevo.gateway.storage.tables import delivery
from tests.gateway.federation import Institution, RunningGateway, claims_of
from tests.support.documented_lifecycles import DESK, MEMBERSHIP, moves

pytestmark = pytest.mark.asyncio


async def test_an_institution_moves_as_it_is_written(
    mx: RunningGateway, albergue: Institution
) -> None:
    database = mx.gateway.database
    known = await database.read(institutions.get, albergue.id)
    assert known is not None
    states: tuple[InstitutionState, ...] = get_args(InstitutionState)
    for state, to in itertools.product(states, states):
        await database.write(institutions.put, replace(known, state=state))
        before = await database.read(institutions.get, albergue.id)
        try:
            await membership.set_state(mx.gateway, albergue.id, to, by="Ana")
        except ProblemError as refused:
            name: str | None = refused.name
        else:
            name = None
        after = await database.read(institutions.get, albergue.id)
        assert after is not None
        if (state, to) in moves(MEMBERSHIP):
            assert (name, after.state) == (None, to)
        else:
            assert name == (None if state == to else "illegal_transition"), (state, to)
            assert after == before


async def test_a_delivery_at_the_desk_moves_as_it_is_written(
    mx: RunningGateway, albergue: Institution, casa: Institution
) -> None:
    acts: dict[str, Any] = {"queued": desk.retry, "returned": desk.give_back, "closed": desk.close}
    for state, (to, act) in itertools.product(get_args(DeliveryState), acts.items()):
        envelope = albergue.envelope(casa.id, now=mx.clock.now)
        await mx.send(albergue, envelope)
        message_id = str(claims_of(envelope)["jti"])
        where = delivery.c.id == message_id
        put = update(delivery).where(where).values(state=state)
        mx.gateway.database.write_now(lambda connection: connection.execute(put))  # noqa: B023
        try:
            reached: str = (await act(mx.gateway, message_id, client="operator")).state
        except ProblemError as refused:
            reached = refused.name
        if (state, to) in moves(DESK) or state == to:
            assert reached == to
        else:
            assert reached == "illegal_transition", (state, to)
