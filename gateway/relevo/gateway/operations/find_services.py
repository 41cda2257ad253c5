"""Who can take somebody now: each gateway answers for the institutions that are at home there."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.sensitive_routes import SAFE_HOUSE_MANDATES, is_unlisted
from relevo.contracts.service import Question, ServiceOffer, ServicePage
from relevo.contracts.service_offer import Standing, judge, languages_of
from relevo.contracts.vocabularies.loader import code_list
from relevo.gateway.storage import institutions, services
from relevo.gateway.storage.institutions import HomeInstitution
from relevo.gateway.storage.services import Entry
from relevo.servicekit.http_client import RefusedError, RetryableError

from .context import Gateway, Peer
from .services import capacity_now, is_shown, is_stale

_MOST_ASKED: Final = 20
_MOST_REMEMBERED: Final = 1_000
_SAFE_GROUP: Final = "gbv_and_trafficking"


class ServiceFinder:
    """Answers from our table, and passes on what peers answer of theirs, for a minute."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._remembered: dict[tuple[str, ...], tuple[datetime, ServicePage]] = {}

    async def find(
        self, question: Question, *, cursor: str | None, limit: int, from_peer: bool
    ) -> ServicePage:
        """A page of services that meet a need, each with whether it takes somebody now.

        Raises:
            ProblemError: `gateway_unreachable`, the peer cannot be asked now; `invalid_input`.
        """
        gateway = self._gateway
        country = question.country
        if country is None or gateway.is_home(country):
            after = _read_cursor(cursor)
            countries = [country] if country else list(gateway.settings.countries)
            return await gateway.database.read(
                _page, gateway, question, countries, after=after, limit=limit
            )
        peers = await gateway.database.read(gateway.peers)
        peer = peers.by_country.get(country)
        if peer is None or from_peer:
            return ServicePage(services=[])
        return await self._ask(peer, question, cursor, limit)

    async def _ask(
        self, peer: Peer, question: Question, cursor: str | None, limit: int
    ) -> ServicePage:
        asked = question.model_dump(mode="json", exclude_none=True)
        params = {name: str(value) for name, value in asked.items()} | {"limit": str(limit)}
        if cursor is not None:
            params["cursor"] = cursor
        key = tuple(f"{name}={value}" for name, value in sorted(params.items()))
        now = self._gateway.security()
        fresh = timedelta(seconds=self._gateway.settings.service_cache_seconds)
        remembered = self._remembered.get(key)
        if remembered is not None and timedelta() <= now - remembered[0] < fresh:
            return remembered[1]
        try:
            page = await self._gateway.peer_client(peer).services(params)
        except (RetryableError, RefusedError) as error:
            raise ProblemError("gateway_unreachable") from error
        # A peer speaks for its own countries alone.
        own = [offer for offer in page.services if offer.country in peer.card.countries]
        page = page.model_copy(update={"services": own})
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = now, page
        return page


def _page(
    connection: Connection,
    gateway: Gateway,
    question: Question,
    countries: Sequence[str],
    *,
    after: tuple[str, str],
    limit: int,
) -> ServicePage:
    now = gateway.business()
    found = services.meeting(connection, question.need, countries, after=after, limit=limit + 1)
    homes = {
        home.institution: home
        for home in institutions.get_many(connection, list({e.institution for e in found}))
    }
    offers = [
        _offer(gateway, entry, homes[entry.institution], question, now)
        for entry in found[:limit]
        if entry.institution in homes and is_shown(homes[entry.institution])
    ]
    last = found[limit - 1] if len(found) > limit else None
    return ServicePage(
        services=offers,
        ask=_whom_to_ask(connection, question.need, countries) if after == ("", "") else [],
        next_cursor=f"{last.institution}/{last.service_id}" if last else None,
    )


def _offer(
    gateway: Gateway, entry: Entry, home: HomeInstitution, question: Question, now: datetime
) -> ServiceOffer:
    capacity, until = capacity_now(entry, now)
    standing = Standing(
        suspended=home.state != "active",
        mandates=home.profile.mandates_of(entry.party) or frozenset(),
        capacity=capacity,
        stale=is_stale(gateway, entry, now),
    )
    verdict = judge(entry.service, standing, question, party=entry.party, now=now)
    return ServiceOffer(
        institution=entry.institution,
        party=entry.party,
        service=entry.service_id,
        name=entry.service.name,
        country=entry.country,
        gateway=gateway.name,
        takes=verdict.takes,
        why_not=verdict.why_not,
        why_ask=verdict.why_ask,
        capacity=capacity,
        capacity_until=until,
        opens_at=verdict.opens_at,
        languages=languages_of(entry.service),
        confirmed_by=entry.confirmed_by,
        confirmed_at=entry.confirmed_at,
    )


def _whom_to_ask(connection: Connection, need: str, countries: Sequence[str]) -> list[str]:
    """Listed parties whose mandate is to work with safe houses, whether there is one or not.

    Drawn from the directory of institutions alone, so that no answer depends on an unlisted house.
    """
    if code_list("service_type").get(need).group != _SAFE_GROUP:
        return []
    found: list[str] = []
    for country in countries:
        after = ""
        while len(found) < _MOST_ASKED:
            rows = institutions.page(connection, country=country, after=after, limit=200)
            for row in rows:
                if row.state == "active" and not is_unlisted(row.profile):
                    found += _holders(row)
            if len(rows) < 200:
                break
            after = rows[-1].institution
    return found[:_MOST_ASKED]


def _holders(row: HomeInstitution) -> list[str]:
    profile = row.profile
    if not SAFE_HOUSE_MANDATES.isdisjoint(profile.mandates):
        return [profile.institution]
    return [u.id for u in profile.units if not SAFE_HOUSE_MANDATES.isdisjoint(u.mandates)]


def _read_cursor(cursor: str | None) -> tuple[str, str]:
    if cursor is None:
        return "", ""
    institution, slash, service_id = cursor.partition("/")
    if not slash:
        fault = FieldError(pointer="/cursor", detail="Not the `next_cursor` of a page.")
        raise ProblemError("invalid_input", errors=[fault])
    return institution, service_id
