"""The service directory, asked of the gateway for the institution's own systems."""

from collections.abc import Awaitable
from typing import Any, Final, TypeVar

from relevo.contracts.problem import ProblemError
from relevo.contracts.service import (
    Question,
    RevalidationList,
    ServiceEntry,
    ServicePage,
    ServiceView,
    ServiceViews,
    check_entry,
)
from relevo.servicekit.access_token import Caller

from .asked import asked
from .context import Node
from .visibility import may_touch, party_of

T = TypeVar("T")

_PASSED_ON: Final = frozenset(
    {
        "not_found", "invalid_input", "service_unlisted", "address_never_leaves", "too_many_services",
        "body_too_large", "gateway_unreachable",
    }
)  # fmt: skip


async def find(
    node: Node, caller: Caller, question: Question, *, cursor: str | None, limit: int
) -> ServicePage:
    """Services for a need.

    Raises:
        ProblemError: `gateway_unreachable`, or what the gateway refused.
    """
    party_of(node, caller)
    asked = question.model_dump(mode="json", exclude_none=True) | {"limit": limit}
    if cursor is not None:
        asked["cursor"] = cursor
    params = {name: str(value) for name, value in asked.items()}
    return await _asked(node.gateway.find_services(params))


async def of_institution(
    node: Node, caller: Caller, institution: str, *, cursor: str | None, limit: int
) -> ServiceViews:
    """An institution's entries.

    Raises:
        ProblemError: As `find`; `not_found`.
    """
    party_of(node, caller)
    params = {"limit": str(limit)} | ({"cursor": cursor} if cursor is not None else {})
    return await _asked(node.gateway.services_of(institution, params))


async def show(node: Node, caller: Caller, institution: str, service_id: str) -> ServiceView:
    """One entry.

    Raises:
        ProblemError: As `find`; `not_found`.
    """
    party_of(node, caller)
    return await _asked(node.gateway.service(institution, service_id))


async def to_confirm(node: Node, caller: Caller) -> RevalidationList:
    """What the institution must look at; of a unit's client, what is the unit's.

    Raises:
        ProblemError: As `find`.
    """
    party_of(node, caller)
    found = await _asked(node.gateway.services_to_confirm())
    own = [item for item in found.services if may_touch(caller, item.party)]
    return RevalidationList(services=own)


async def put(
    node: Node, caller: Caller, institution: str, service_id: str, entry: ServiceEntry
) -> ServiceView:
    """Puts an entry of the institution, or of the unit that the caller is limited to.

    Raises:
        ProblemError: As `find`; `not_found` for anybody else's; what must not leave this node.
    """
    party = party_of(node, caller)
    _only_ours(node, institution)
    named = entry.party or party
    if not may_touch(caller, named):
        raise ProblemError("not_found")
    if caller.unit is not None:
        await _not_another_units(node, caller, institution, service_id)
    # Before it leaves: what the gateway would refuse is not even sent to it.
    check_entry(entry.service, safe_house=False)
    body = entry.model_copy(update={"party": named}).model_dump(mode="json", exclude_unset=True)
    path = f"{institution}/{service_id}"
    return await _asked(node.gateway.change_service("PUT", path, {**body, "party": named}))


async def change(
    node: Node, caller: Caller, method: str, institution: str, service_id: str, what: str, body: Any
) -> ServiceView:
    """Says the capacity of an entry, or confirms it.

    Raises:
        ProblemError: As `put`.
    """
    await _must_be_own(node, caller, institution, service_id)
    path = f"{institution}/{service_id}/{what}"
    return await _asked(node.gateway.change_service(method, path, body))


async def remove(node: Node, caller: Caller, institution: str, service_id: str) -> None:
    """Takes an entry out.

    Raises:
        ProblemError: As `put`.
    """
    await _must_be_own(node, caller, institution, service_id)
    await _asked(node.gateway.remove_service(institution, service_id))


async def _must_be_own(node: Node, caller: Caller, institution: str, service_id: str) -> None:
    party_of(node, caller)
    _only_ours(node, institution)
    if caller.unit is not None:
        await _not_another_units(node, caller, institution, service_id)


def _only_ours(node: Node, institution: str) -> None:
    if institution != node.institution:
        raise ProblemError("not_found")


async def _not_another_units(node: Node, caller: Caller, institution: str, service_id: str) -> None:
    try:
        known = await _asked(node.gateway.service(institution, service_id))
    except ProblemError as error:
        if error.name != "not_found":
            raise
        return
    if not may_touch(caller, known.party):
        raise ProblemError("not_found")


async def _asked(question: Awaitable[T]) -> T:
    return await asked(question, passed_on=_PASSED_ON)
