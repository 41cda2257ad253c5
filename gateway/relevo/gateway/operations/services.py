"""What institutions say they do: put, confirmed and taken back by themselves alone."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.identifiers import country_of
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.sensitive_routes import is_safe_house, is_unlisted
from relevo.contracts.service import (
    CapacityStatement,
    RevalidationItem,
    RevalidationList,
    ServiceEntry,
    ServiceView,
    ServiceViews,
    assured_on,
    check_entry,
    codes,
    same_id,
)
from relevo.gateway.storage import institutions, services
from relevo.gateway.storage.institutions import HomeInstitution
from relevo.gateway.storage.services import Entry
from relevo.servicekit.http_client import RefusedError, RetryableError

from .context import Gateway

MOST_SERVICES: Final = 500
"""Of one institution."""
_LOOK_AHEAD: Final = timedelta(days=30)
_LONGEST_CAPACITY: Final = timedelta(days=92)
_MOST_TO_CONFIRM: Final = MOST_SERVICES


async def put(
    gateway: Gateway, caller: str, institution: str, service_id: str, entry: ServiceEntry
) -> tuple[ServiceView, bool]:
    """Writes an institution's own entry, and whether it is new.

    Raises:
        ProblemError: `not_found` for anybody else's; `service_unlisted`, `address_never_leaves`,
            `invalid_input`, `too_many_services`.
    """
    same_id(entry.service, service_id)
    return await gateway.database.write(_put, gateway, caller, institution, service_id, entry)


def _put(
    connection: Connection,
    gateway: Gateway,
    caller: str,
    institution: str,
    service_id: str,
    entry: ServiceEntry,
) -> tuple[ServiceView, bool]:
    owner = _own(connection, caller, institution)
    party = entry.party or institution
    mandates = owner.profile.mandates_of(party)
    if mandates is None:
        fault = FieldError(pointer="/party", detail="Neither the institution nor a unit of it.")
        raise ProblemError("invalid_input", errors=[fault])
    if is_unlisted(owner.profile):
        raise ProblemError("service_unlisted")
    takes_in = owner.profile.type == "shelter" and is_safe_house(mandates)
    check_entry(entry.service, safe_house=takes_in)
    known = services.get(connection, institution, service_id)
    if known is None and services.count(connection, institution) >= MOST_SERVICES:
        raise ProblemError("too_many_services", limit=MOST_SERVICES)
    now = gateway.business()
    written = Entry(
        institution=institution,
        service_id=service_id,
        country=country_of(institution),
        party=party,
        service=entry.service,
        capacity=known.capacity if known else "unknown",
        capacity_until=known.capacity_until if known else None,
        confirmed_by=entry.confirmed_by or party,
        confirmed_at=_confirmed_at(entry, now),
        changed_at=now,
    )
    new = services.put(connection, written, codes(entry.service, "service_type"))
    return view(gateway, written, now), new


def _confirmed_at(entry: ServiceEntry, now: datetime) -> datetime:
    """An old file does not become fresh by being imported."""
    assured = assured_on(entry.service)
    if assured is None or assured.year < 1900:
        return now
    return min(now, datetime.combine(assured, time(12), UTC))


async def remove(gateway: Gateway, caller: str, institution: str, service_id: str) -> None:
    """Takes an institution's own entry out.

    Raises:
        ProblemError: `not_found`.
    """

    def work(connection: Connection) -> None:
        _own(connection, caller, institution)
        if not services.remove(connection, institution, service_id):
            raise ProblemError("not_found")

    await gateway.database.write(work)


async def say_capacity(
    gateway: Gateway, caller: str, institution: str, service_id: str, said: CapacityStatement
) -> ServiceView:
    """Notes the places that an institution says it has, until when that holds.

    Raises:
        ProblemError: `not_found`, `invalid_input`.
    """
    now = gateway.business()
    if not now < said.until <= now + _LONGEST_CAPACITY:
        fault = FieldError(pointer="/until", detail="Later than now, and 92 days from now at most.")
        raise ProblemError("invalid_input", errors=[fault])

    def work(connection: Connection) -> ServiceView:
        _own(connection, caller, institution)
        services.set_capacity(
            connection, institution, service_id, capacity=said.capacity, until=said.until
        )
        return _seen(connection, gateway, institution, service_id, now)

    return await gateway.database.write(work)


async def confirm(
    gateway: Gateway, caller: str, institution: str, service_id: str, by: str
) -> ServiceView:
    """Notes that an institution looked at its own entry and that it still holds.

    Raises:
        ProblemError: `not_found`.
    """
    now = gateway.business()

    def work(connection: Connection) -> ServiceView:
        _own(connection, caller, institution)
        services.confirm(connection, institution, service_id, by=by, now=now)
        return _seen(connection, gateway, institution, service_id, now)

    return await gateway.database.write(work)


async def to_confirm(gateway: Gateway, caller: str) -> RevalidationList:
    """What an institution must look at: overdue, or due within thirty days."""
    now = gateway.business()
    moment = now - _validity(gateway) + _LOOK_AHEAD
    found = await gateway.database.read(
        services.confirmed_before, caller, moment, limit=_MOST_TO_CONFIRM
    )
    return RevalidationList(
        services=[
            RevalidationItem(
                service=entry.service_id,
                name=entry.service.name[:200] or entry.service_id,
                party=entry.party,
                confirmed_by=entry.confirmed_by,
                confirmed_at=entry.confirmed_at,
                due_at=entry.confirmed_at + _validity(gateway),
                stale=is_stale(gateway, entry, now),
                no_need=not codes(entry.service, "service_type"),
            )
            for entry in found
        ]
    )


async def show(
    gateway: Gateway, institution: str, service_id: str, *, from_peer: bool
) -> ServiceView:
    """One entry: ours, or what the peer says of its own.

    Raises:
        ProblemError: `not_found`, or `gateway_unreachable`.
    """
    country = country_of(institution)
    if gateway.is_home(country):
        now = gateway.business()

        def work(connection: Connection) -> ServiceView:
            home = institutions.get(connection, institution)
            if home is None or not is_shown(home):
                raise ProblemError("not_found")
            return _seen(connection, gateway, institution, service_id, now)

        return await gateway.database.read(work)
    peers = await gateway.database.read(gateway.peers)
    peer = peers.by_country.get(country)
    if peer is None or from_peer:
        raise ProblemError("not_found")
    try:
        return await gateway.peer_client(peer).service(institution, service_id)
    except RefusedError as error:
        raise ProblemError("not_found" if error.status == 404 else "gateway_unreachable") from error
    except RetryableError as error:
        raise ProblemError("gateway_unreachable") from error


async def of_institution(
    gateway: Gateway, institution: str, *, after: str, limit: int
) -> ServiceViews:
    """A page of the entries of an institution that is at home here.

    Raises:
        ProblemError: `not_found`.
    """
    now = gateway.business()

    def work(connection: Connection) -> ServiceViews:
        home = institutions.get(connection, institution)
        if home is None or not is_shown(home):
            raise ProblemError("not_found")
        found = services.of_institution(connection, institution, after=after, limit=limit + 1)
        last = found[limit - 1].service_id if len(found) > limit else None
        views = [view(gateway, entry, now) for entry in found[:limit]]
        # Said only if there is one: answers leave out what nobody set.
        return ServiceViews(services=views, **({"next_cursor": last} if last else {}))

    return await gateway.database.read(work)


def is_shown(home: HomeInstitution) -> bool:
    """Whether anybody is told of what it does."""
    return home.state in ("active", "suspended") and not is_unlisted(home.profile)


def capacity_now(entry: Entry, now: datetime) -> tuple[str, datetime | None]:
    """What is known of its places: what was said is forgotten once it no longer holds."""
    if entry.capacity_until is None or entry.capacity_until <= now:
        return "unknown", None
    return entry.capacity, entry.capacity_until


def is_stale(gateway: Gateway, entry: Entry, now: datetime) -> bool:
    return entry.confirmed_at + _validity(gateway) <= now


def view(gateway: Gateway, entry: Entry, now: datetime) -> ServiceView:
    """An entry as anybody may see it."""
    capacity, until = capacity_now(entry, now)
    return ServiceView(
        institution=entry.institution,
        party=entry.party,
        country=entry.country,
        gateway=gateway.name,
        needs=codes(entry.service, "service_type"),
        capacity=capacity,
        capacity_until=until,
        confirmed_by=entry.confirmed_by,
        confirmed_at=entry.confirmed_at,
        due_at=entry.confirmed_at + _validity(gateway),
        stale=is_stale(gateway, entry, now),
        changed_at=entry.changed_at,
        service=entry.service,
    )


def _seen(
    connection: Connection, gateway: Gateway, institution: str, service_id: str, now: datetime
) -> ServiceView:
    entry = services.get(connection, institution, service_id)
    if entry is None:
        raise ProblemError("not_found")
    return view(gateway, entry, now)


def _own(connection: Connection, caller: str, institution: str) -> HomeInstitution:
    """The institution, if it is the caller; anybody else's is as absent as one that never was."""
    home = institutions.get(connection, institution) if caller == institution else None
    if home is None or home.state not in ("active", "suspended"):
        raise ProblemError("not_found")
    return home


def _validity(gateway: Gateway) -> timedelta:
    return timedelta(days=gateway.settings.service_confirmation_days)
