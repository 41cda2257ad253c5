"""Attesting what a record shows: everything is read from the record itself, nothing is taken on a caller's word."""

import secrets
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from relevo.contracts.attestation import (
    ATTESTATION_TYP,
    KINDS,
    NUMBERS,
    STATUS_LIST_PATH,
    AttestationInput,
    AttestationRecord,
    vct_of,
)
from relevo.contracts.consent import AnyOf
from relevo.contracts.identifiers import country_of
from relevo.contracts.problem import ProblemError
from relevo.contracts.sealed_records import check_may_be_said
from relevo.contracts.standards.time_zones import zone_of_place
from relevo.node.storage import attestations, referrals, returnees, sealed_records
from relevo.node.storage.attestations import StoredAttestation
from relevo.node.storage.vault import ErasedError
from relevo.servicekit import idempotency, sd_jwt
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .consent import own_consent
from .context import Node
from .directory import Directory
from .read_attestation import as_record, own_attestation
from .visibility import as_text, found, may_touch, party_of

_OPERATION: Final = "issue_attestation"
_TRIES: Final = 20
_HERE: Final = frozenset({"arrived", "received"})
_GONE: Final = frozenset({"void", "merged", "did_not_board", "no_show", "announced"})


async def attest(
    node: Node,
    directory: Directory,
    caller: Caller,
    asked: AttestationInput,
    *,
    key: str,
    digest: str,
) -> AttestationRecord:
    """Signs what a record of the caller's shows, and keeps it sealed under the person's own key.

    Raises:
        ProblemError: `not_found`; `nothing_to_attest`, the record does not show it; `family_not_told`;
            `grant_not_live`, she was erased.
    """
    party_of(node, caller)
    profile = await directory.profile(node.institution)
    name = node.institution if profile is None else profile.name
    record = await node.database.write(_attest, node, caller, asked, name, key, digest)
    node.wake("revocations")
    return record


def _attest(
    connection: Connection,
    node: Node,
    caller: Caller,
    asked: AttestationInput,
    institution_name: str,
    key: str,
    digest: str,
) -> AttestationRecord:
    before = idempotency.begin(
        connection, caller.client_id, _OPERATION, key, digest, node.clock.security()
    )
    now = node.clock.business()
    if before is not None:
        return as_record(own_attestation(connection, node, caller, before.body.decode()), now)
    try:
        owner, data_key, claims = _GATHER[KINDS[asked.type].about](connection, node, caller, asked)
        claims = {
            name: value
            for name, value in {"institution_name": institution_name, **claims}.items()
            if value not in (None, [], "") and name in KINDS[asked.type].claims
        }
        new = _signed(connection, node, asked, claims, owner=owner, data_key=data_key, now=now)
    except ErasedError:
        raise ProblemError("grant_not_live", grant_state="erased") from None
    idempotency.complete(
        connection, caller.client_id, _OPERATION, key, status=201, body=new.id.encode()
    )
    return as_record(new, now)


def _signed(
    connection: Connection,
    node: Node,
    asked: AttestationInput,
    claims: dict[str, Any],
    *,
    owner: str,
    data_key: str,
    now: datetime,
) -> StoredAttestation:
    issued = now.replace(microsecond=0)
    until = issued + timedelta(days=asked.valid_days)
    for _ in range(_TRIES):
        number = secrets.randbelow(NUMBERS)
        if not attestations.number_is_free(connection, number):
            continue
        signed, disclosures = sd_jwt.issue(
            {
                "iss": node.institution,
                "vct": vct_of(asked.type),
                "iat": int(issued.timestamp()),
                "exp": int(until.timestamp()),
                "status": {
                    "status_list": {
                        "idx": number,
                        "uri": node.settings.base_url + STATUS_LIST_PATH,
                    }
                },
            },
            claims,
            node.keys.signing[0],
            typ=ATTESTATION_TYP,
            digests=len(KINDS[asked.type].claims),
        )
        new = StoredAttestation(
            id=new_id(),
            number=number,
            type=asked.type,
            owner=owner,
            about=KINDS[asked.type].about,
            subject=asked.subject,
            issued_at=issued,
            valid_until=until,
            revoked_at=None,
            revoked_for=None,
            data_key_id=data_key,
            signed=signed,
            disclosures=tuple(one.text for one in disclosures),
        )
        if attestations.add(connection, node.vault, new):
            return new
    raise ProblemError("unavailable")


# -- what each kind of record shows ---------------------------------------------------------------

_Gathered = tuple[str, str, dict[str, Any]]
"""Whose it is, the key that it is sealed under, what it shows."""


def _of_returnee(
    connection: Connection, node: Node, caller: Caller, asked: AttestationInput
) -> _Gathered:
    record = returnees.get(connection, node.vault, asked.subject)
    if record is None or not may_touch(caller, record.owner):
        raise ProblemError("not_found")
    details = record.body.get("details")
    if details is None:
        raise ProblemError("grant_not_live", grant_state="erased")
    arrivals = [
        step.at for step in returnees.steps(connection, node.vault, record) if step.state in _HERE
    ]
    # A sealed event makes no difference that a desk could tell from a record that shows nothing.
    if not arrivals or record.state in _GONE or record.body.get("sealed_event") is not None:
        raise ProblemError("nothing_to_attest")
    identity = details["identity"]
    travel = details.get("travel_and_return") or {}
    papers = (details.get("identity_document") or {}).get("documents", [])
    return (
        record.owner,
        record.data_key_id,
        {
            "arrived_on": _day(arrivals[0], node),
            **_named(identity),
            "nationalities": identity.get("nationalities"),
            "identity_document": next(
                ({k: p[k] for k in ("type", "country", "number") if p.get(k)} for p in papers), None
            ),
            "point_of_entry": travel.get("point_of_entry"),
        },
    )


def _of_referral(
    connection: Connection, node: Node, caller: Caller, asked: AttestationInput
) -> _Gathered:
    held = found(caller, referrals.get(connection, node.vault, asked.subject))
    if not held.details:
        raise ProblemError("grant_not_live", grant_state="erased")
    if KINDS[asked.type].tells_of_death:
        records = sealed_records.records_of(connection, node.vault, held.id)
        check_may_be_said(records, reason="death_notified")
    claims: dict[str, Any] = {
        **_named(_person_of(held.persons, asked.person)),
        "referred_by": held.sender,
        "referred_to": held.receiver,
    }
    if asked.document is not None:
        claims |= {"dated": asked.document.dated, "digest": asked.document.sha256}
        return held.owner, held.data_key_id, claims
    seen = [
        event
        for event in referrals.events(connection, node.vault, held)
        if event.state == "acknowledged"
    ]
    # Whoever sent it was told; only whoever received it can say that a person saw it.
    if held.role != "receiver" or not seen:
        raise ProblemError("nothing_to_attest")
    claims |= {
        "acknowledged_on": _day(seen[0].at, node),
        "seen_by": seen[0].detail.get("seen_by"),
        "digest": attestations.message_digest(connection, held.id),
        "reference_code": held.reference_code,
    }
    return held.owner, held.data_key_id, claims


def _of_consent(
    connection: Connection, node: Node, caller: Caller, asked: AttestationInput
) -> _Gathered:
    given = own_consent(connection, node, caller, asked.subject)
    owner, data_key = attestations.keeping_of_consent(connection, given.id)
    recipients = [one.party or _kind_of_party(one.any_of) for one in given.recipients]
    return (
        owner,
        data_key,
        {
            "given_on": _day(given.given_at, node),
            "expires_on": _day(given.valid_until, node),
            "purposes": given.purposes,
            "categories": given.categories,
            "recipients": recipients,
            "notice": f"{given.notice.id} {given.notice.version}",
        },
    )


_GATHER: Final = {"returnee": _of_returnee, "referral": _of_referral, "consent": _of_consent}


def _kind_of_party(named: AnyOf | None) -> str:
    said = {} if named is None else named.model_dump(exclude_none=True)
    return " ".join(str(value) for value in said.values())


def _person_of(persons: list[dict[str, Any]], number: int | None) -> dict[str, Any]:
    """The identity of the person meant; empty when several could be, or the record holds none."""
    if number is None:
        number = 1 if len(persons) == 1 else 0
    elif number > len(persons):
        raise ProblemError("not_found")
    identity: dict[str, Any] = persons[number - 1].get("identity", {}) if number else {}
    return identity


def _named(identity: dict[str, Any]) -> dict[str, Any]:
    names = [identity.get("given_names"), *identity.get("family_names", [])]
    birth = identity.get("birth_date") or {}
    return {"name": " ".join(name for name in names if name), "birth_date": birth.get("value")}


def _day(at: datetime, node: Node) -> str:
    """The day by the clock on the wall there, which may be another than that of UTC."""
    zone = zone_of_place(f"{country_of(node.institution)}-00000")
    here: tzinfo = UTC if zone is None else ZoneInfo(zone)
    return as_text(at.astimezone(here))[:10]
