"""Attestations read, shown as their holder chooses, and revoked."""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.attestation import (
    KINDS,
    NUMBERS,
    STATUS_LIST_PATH,
    STATUS_LIST_TYP,
    AttestationRecord,
    Presentation,
    Revocation,
    folio,
    shown_claims,
)
from relevo.contracts.identifiers import institution_of
from relevo.contracts.problem import FieldError, ProblemError
from relevo.node.storage import attestations
from relevo.node.storage.attestations import StoredAttestation
from relevo.servicekit import jose, sd_jwt, status_list
from relevo.servicekit.access_token import Caller

from .access import note_read
from .context import Node
from .visibility import may_touch, party_of

_LIST_LASTS: Final = timedelta(days=7)
ASKED_AGAIN_AFTER: Final = timedelta(hours=12)
_WHAT: Final = "attestation"


async def read_attestation(node: Node, caller: Caller, attestation_id: str) -> AttestationRecord:
    """What it is and where it stands, without what it says.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    held = await node.database.read(own_attestation, node, caller, attestation_id)
    return as_record(held, node.clock.business())


async def present(
    node: Node, caller: Caller, attestation_id: str, show: Collection[str] | None
) -> Presentation:
    """The credential with what its holder chose to show; the least, when nobody asked her.

    Raises:
        ProblemError: `not_found`; `invalid_input`, it does not hold that; `grant_not_live`, she was erased.
    """
    presented, _ = await _presented(node, caller, attestation_id, show)
    return presented


async def print_sheet(
    node: Node, caller: Caller, attestation_id: str, show: Collection[str] | None
) -> bytes:
    """One page with a code that holds what the page says and nothing more.

    Raises:
        ProblemError: As `present`; `invalid_input` too when she shows more than one code can hold.
    """
    # What draws is a sixth of all that a node would load at its start.
    from relevo.node.domain.attestation_page import (  # noqa: PLC0415
        Sheet,
        TooMuchForOneCodeError,
        draw,
    )

    presented, held = await _presented(node, caller, attestation_id, show)
    sheet = Sheet(
        type=held.type,
        issuer=node.institution,
        folio=folio(node.institution, held.number),
        issued_at=held.issued_at,
        valid_until=held.valid_until,
        shown=presented.shown,
        presentation=presented.presentation,
    )
    try:
        return await asyncio.to_thread(draw, sheet)
    except TooMuchForOneCodeError:
        fault = FieldError(pointer="/show", detail="Too much for one printed code: show less.")
        raise ProblemError("invalid_input", errors=[fault]) from None


async def _presented(
    node: Node, caller: Caller, attestation_id: str, show: Collection[str] | None
) -> tuple[Presentation, StoredAttestation]:
    party_of(node, caller)
    held = await node.database.read(own_attestation, node, caller, attestation_id)
    if not held.signed:
        raise ProblemError("grant_not_live", grant_state="erased")
    if held.revoked_at is not None:
        raise ProblemError("attestation_revoked")
    await note_read(node, caller, what=_WHAT, subject=held.id, owner=held.owner)
    disclosures = [sd_jwt.read_disclosure(text) for text in held.disclosures]
    values = {one.name: one.value for one in disclosures}
    chosen = shown_claims(held.type, show, values)
    presentation = sd_jwt.present(held.signed, disclosures, chosen)
    shown = {name: values[name] for name in chosen}
    return Presentation(presentation=presentation, shown=shown), held


async def revoke(
    node: Node, caller: Caller, attestation_id: str, why: Revocation
) -> AttestationRecord:
    """From now on it no longer counts; doing it again changes nothing. Why is written nowhere outside.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    record = await node.database.write(_revoke, node, caller, attestation_id, why)
    node.wake("revocations")
    return record


def _revoke(
    connection: Connection, node: Node, caller: Caller, attestation_id: str, why: Revocation
) -> AttestationRecord:
    own_attestation(connection, node, caller, attestation_id)
    now = node.clock.business()
    attestations.revoke(connection, attestation_id, why.reason, now=now)
    return as_record(own_attestation(connection, node, caller, attestation_id), now)


async def signed_status_list(node: Node) -> str:
    """The numbers that were revoked, signed; for anyone, and to be kept where there is no network."""
    revoked = await node.database.read(attestations.revoked_numbers)
    now = node.clock.business()
    claims = {
        "iss": node.institution,
        "sub": node.settings.base_url + STATUS_LIST_PATH,
        "iat": int(now.timestamp()),
        "exp": int((now + _LIST_LASTS).timestamp()),
        "ttl": int(ASKED_AGAIN_AFTER.total_seconds()),
        "status_list": status_list.encode(revoked, size=NUMBERS),
    }
    return jose.sign(claims, node.keys.signing[0], typ=STATUS_LIST_TYP)


def own_attestation(
    connection: Connection, node: Node, caller: Caller, attestation_id: str
) -> StoredAttestation:
    """One that is the caller's.

    Raises:
        ProblemError: `not_found`.
    """
    held = attestations.get(connection, node.vault, attestation_id)
    if held is None or not may_touch(caller, held.owner):
        raise ProblemError("not_found")
    return held


def as_record(held: StoredAttestation, now: datetime) -> AttestationRecord:
    """One as its institution's systems read it."""
    names = [sd_jwt.read_disclosure(text).name for text in held.disclosures]
    kind = KINDS[held.type]
    if held.revoked_at is not None:
        state = "revoked"
    elif not held.signed:
        state = "erased"
    else:
        state = "expired" if now >= held.valid_until else "valid"
    return AttestationRecord(
        id=held.id,
        type=held.type,
        state=state,  # type: ignore[arg-type]
        folio=folio(institution_of(held.owner), held.number),
        number=held.number,
        owner=held.owner,
        about=kind.about,
        subject=held.subject,
        claims=[name for name in kind.claims if name in names],
        least=[name for name in kind.least if name in names],
        issued_at=held.issued_at,
        valid_until=held.valid_until,
        revoked_at=held.revoked_at,
        revoked_for=held.revoked_for,  # type: ignore[arg-type]
    )
