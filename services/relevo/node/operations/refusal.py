"""Why a referral did not leave, told so that whoever sent it can act on it."""

from typing import Any

from sqlalchemy import Connection

from relevo.contracts.identifiers import country_of
from relevo.contracts.implicated import without_implicated
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.person import Person, excluded_countries, implicated_in
from relevo.contracts.problem import Problem
from relevo.node.domain.refusal import as_problem
from relevo.node.storage import consents
from relevo.node.storage.referrals import StoredReferral
from relevo.node.storage.vault import ErasedError

from .context import Node


def refusal_of(connection: Connection, node: Node, stored: StoredReferral) -> Problem | None:
    """The refusal that a referral, read whole, carries; None when there is none or only its name is known.

    Whom a gateway offers is looked through at each reading: who has been implicated since is out too.
    """
    name = stored.delivery_problem
    if stored.role != "sender" or not name:
        return None
    known: dict[str, Any] = {"sender": stored.sender, "receiver": stored.receiver}
    route = pathways().get(stored.pathway)
    if name == "receiver_lacks_mandate" and route is not None:
        known["mandates"] = list(route.receiver_mandates)
    known |= stored.refusal_members or {}
    if "offered" in known:
        known["offered"] = _may_be_asked(connection, node, stored, known["offered"])
    return as_problem(name, known)


def _may_be_asked(
    connection: Connection, node: Node, stored: StoredReferral, offered: list[str]
) -> list[str]:
    wanted = sorted(set(stored.details.get("consent_ids", [])))
    try:
        held = consents.get_many(connection, node.vault, wanted)
    except ErasedError:
        return []
    if not stored.details or not all(stored.persons):
        # Somebody was erased, and with her whom to keep away from her.
        return []
    persons = [Person.model_validate(person) for person in stored.persons]
    implicated = [
        *implicated_in(persons),
        *(one for record, _ in held.values() for one in record.implicated),
    ]
    away = excluded_countries(persons)
    near = [party for party in offered if country_of(party) not in away]
    return without_implicated(implicated, near)
