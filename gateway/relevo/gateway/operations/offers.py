"""Whom else a sender may ask: parties at home here that hold a mandate which somebody lacks."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.identifiers import country_of
from relevo.contracts.institution import InstitutionProfile
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem import ProblemError
from relevo.contracts.sensitive_routes import SAFE_HOUSE_MANDATES, is_unlisted
from relevo.gateway.storage import institutions

from .arrivals import Arrival
from .context import Gateway

_MOST: Final = 10
_MOST_READ: Final = 1000
_PAGE: Final = 200


def offer_others(
    connection: Connection, gateway: Gateway, arrival: Arrival, problem: ProblemError
) -> None:
    """Names those at home here who hold the mandate that the receiver lacks, its own country first.

    Those of other countries are the sender's node's to ask for: it knows who must not learn of it.
    """
    if problem.name != "receiver_lacks_mandate":
        return
    envelope = arrival.envelope
    route = pathways().get(envelope.pathway)
    if route is None:
        return
    here = country_of(envelope.aud)
    home = sorted(filter(gateway.is_home, route.countries), key=lambda country: country != here)
    problem.members["offered"] = _holders(connection, route.receiver_mandates, countries=home)


def _holders(
    connection: Connection, mandates: Collection[str], *, countries: Sequence[str]
) -> list[str]:
    """Active parties of these countries in their order, ten at most.

    Whoever stands in no list, because it keeps a house that nobody must find, is never named; nor is a
    shelter's unit of that kind.
    """
    found: list[str] = []
    for country in countries:
        after, read = "", 0
        while len(found) < _MOST and read < _MOST_READ:
            rows = institutions.page(connection, country=country, after=after, limit=_PAGE)
            for row in rows:
                if row.state == "active" and not is_unlisted(row.profile):
                    found += _parties(row.profile, mandates)
            if len(rows) < _PAGE:
                break
            after, read = rows[-1].institution, read + _PAGE
    return found[:_MOST]


def _parties(profile: InstitutionProfile, mandates: Collection[str]) -> list[str]:
    if REFERRAL_SUBMITTED.id not in profile.message_types:
        return []
    wanted = set(mandates)
    named = [(profile.institution, set(profile.mandates))]
    named += [(unit.id, set(unit.mandates)) for unit in profile.units]
    return [
        party
        for party, held in named
        if held & wanted and not (profile.type == "shelter" and held & SAFE_HOUSE_MANDATES)
    ]
