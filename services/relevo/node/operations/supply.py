"""What the receiver asked for: cut and granted like a submission, and put back where it asked."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from relevo.contracts.attachment import AttachmentInput, split_by_category
from relevo.contracts.envelope import DEFAULT_LIFETIME
from relevo.contracts.identifiers import institution_of
from relevo.contracts.information import InformationSupply
from relevo.contracts.lifecycles.referral import ENDED
from relevo.contracts.message_types.information_supplied import (
    INFORMATION_SUPPLIED,
    InformationSupplied,
)
from relevo.contracts.message_types.referral_submitted import ConsentTerms
from relevo.contracts.pathways.loader import pathway
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.person import Person
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.referral import Referral
from relevo.contracts.sensitive_routes import contact_rules_on
from relevo.contracts.vocabularies.loader import in_code_order
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.storage import consents, grants, information, outbox, peers, referrals
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.referrals import StoredEvent, StoredReferral
from relevo.servicekit import idempotency
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from . import attach
from .arrival import grants_of
from .batch import Batch
from .context import Node
from .cut import Asked, Cut, check_law, cut
from .draft import MAX_MESSAGE_BYTES
from .open_envelope import Opened
from .receive_files import sealed_files
from .slices import sign_slice
from .tell import tell_state
from .visibility import found, party_of
from .whole import whole

_OPERATION = "supply_information"


async def supply_information(
    node: Node, caller: Caller, referral_id: str, given: InformationSupply, *, key: str, digest: str
) -> Referral:
    """Sends what was asked for.

    Raises:
        ProblemError: `not_found`, `information_not_asked`, or what stands against it in consent,
            pathway or the country-of-origin rule.
    """
    party_of(node, caller)
    after = await node.database.write(_supply, node, caller, referral_id, given, key, digest)
    node.wake()
    return after


def _supply(
    connection: Connection,
    node: Node,
    caller: Caller,
    referral_id: str,
    given: InformationSupply,
    key: str,
    digest: str,
) -> Referral:
    before = idempotency.begin(
        connection, caller.client_id, _OPERATION, key, digest, node.clock.security()
    )
    if before is not None:
        return whole(connection, node, caller, before.body.decode())
    holdings = Holdings(connection, node.vault, [referral_id])
    held = found(caller, holdings.get(referral_id))
    if held.role != "sender" or held.state != "info_requested":
        raise ProblemError("information_not_asked", state=held.state)
    if held.sharing == "withdrawn":
        raise ProblemError("consent_not_active", consent_state="withdrawn")
    now = node.clock.business()
    positions = _positions(connection, node, held, given)
    places = {
        person.person_id: position
        for person, position in zip(given.persons, positions, strict=True)
    }
    route = pathway(held.pathway)
    _check_pathway(given, route)
    behind = {
        grant.consent_id for grant in grants.of_referral(connection, held.id) if grant.consent_id
    }
    uploads = attach.read_uploads(connection, node, caller, given.attachments)
    may_leave = _cut(connection, node, caller, held, given, route, behind=behind)
    files, kept = split_by_category(given.attachments, allowed=may_leave.share, wanted=route.wanted)
    _check_something(may_leave, files, given)
    slices = [
        sign_slice(
            node,
            record,
            referral_id=held.id,
            sender=held.sender,
            receiver=held.receiver,
            purpose=held.purpose,
            categories=may_leave.share,
        )
        for record in may_leave.records
    ]
    terms = [
        ConsentTerms(
            grant_id=grant.id,
            person=places.get(record.person_id),
            contact_rules=contact_rules_on(route.sensitivity, record.contact_rules),
            denials=record.denials,
            valid_until=record.valid_until,
        )
        for grant, record in zip(slices, may_leave.records, strict=True)
        if record.id not in behind
    ]
    numbered = dict(zip(positions, may_leave.leaving, strict=True))
    body = InformationSupplied(
        persons=[
            Person.model_validate({"person_id": str(position), **sections})
            for position, sections in numbered.items()
        ],
        terms=terms,
        supplied_at=now,
    )
    keys = information.keys_of(connection, held.id)
    owners = {person_id: (place, keys[place]) for person_id, place in places.items()}
    attach.check_persons(given.attachments, owners)
    made = attach.seal_files(uploads, files, owners)
    message = attach.carried(_message(held, given, route, body, may_leave, slices, now), made)
    sealed = outbox.seal(node.vault, held.data_key_id, message, now=now)
    if len(sealed["sealed"]) > MAX_MESSAGE_BYTES:
        raise ProblemError("body_too_large", limit=MAX_MESSAGE_BYTES)
    _keep(connection, node, held, message.id, numbered, [], now)
    grants.add(connection, slices)
    attach.store(connection, [attach.rows_of(node, message, made)])
    holdings.queue(sealed)
    holdings.tell(held, "referral.information_supplied", now=now)
    holdings.write()
    idempotency.complete(
        connection, caller.client_id, _OPERATION, key, status=200, body=held.id.encode()
    )
    after = whole(connection, node, caller, held.id)
    return after.model_copy(update={"withheld": sorted({*after.withheld, *kept})})


def _positions(
    connection: Connection, node: Node, held: StoredReferral, given: InformationSupply
) -> list[int]:
    """Where each supplied person stands in the referral."""
    stored = referrals.get(connection, node.vault, held.id)
    known = [] if stored is None else [person.get("person_id") for person in stored.persons]
    errors = [
        FieldError(pointer=f"/persons/{index}/person_id", detail="nobody of this referral")
        for index, person in enumerate(given.persons)
        if person.person_id not in known
    ]
    if errors:
        raise ProblemError("invalid_input", errors=errors)
    return [known.index(person.person_id) + 1 for person in given.persons]


def _check_pathway(given: InformationSupply, route: Pathway) -> None:
    unasked = set(given.share) - route.wanted
    if unasked:
        raise ProblemError(
            "share_not_in_pathway",
            pathway=route.id,
            categories=in_code_order("data_category", unasked),
        )
    if given.basis is not None and given.basis.basis not in route.lawful_bases:
        raise ProblemError("basis_not_allowed", basis=given.basis.basis, pathway=route.id)


def _cut(
    connection: Connection,
    node: Node,
    caller: Caller,
    held: StoredReferral,
    given: InformationSupply,
    route: Pathway,
    *,
    behind: set[str],
) -> Cut:
    """What may leave, under consents that stay in force until this transaction ends."""
    known = consents.get_many(connection, node.vault, sorted({*behind, *given.consent_ids}))
    chosen = list(given.consent_ids)
    if not chosen and given.basis is None:
        supplied = {person.person_id for person in given.persons}
        chosen = sorted(
            i
            for i in behind & known.keys()
            if known[i][0].person_id in supplied and known[i][0].state != "superseded"
        )
        if not chosen:
            raise ProblemError("consent_missing")
    stored = referrals.get(connection, node.vault, held.id)
    receiving = institution_of(held.receiver)
    profiles = peers.profiles(connection, [receiving, node.institution])
    if given.basis is not None and receiving in profiles:
        check_law(
            given.basis,
            purpose=held.purpose,
            sender=(held.sender, profiles.get(node.institution)),
            receiver=(held.receiver, profiles[receiving]),
        )
    may_leave = cut(
        caller,
        Asked(
            receiver=held.receiver,
            purpose=held.purpose,
            persons=given.persons,
            share=given.share,
            consent_ids=chosen,
            basis=given.basis,
            also_known=[Person.model_validate(p) for p in (stored.persons if stored else []) if p],
            profile=profiles.get(receiving),
        ),
        route,
        known,
        now=node.clock.business(),
    )
    if not consents.hold_active(connection, {record.id for record in may_leave.records}):
        raise ProblemError("consent_not_active", consent_state="withdrawn")
    return may_leave


def _check_something(
    may_leave: Cut, files: list[AttachmentInput], given: InformationSupply
) -> None:
    with_files = {one.person_id for one in files}
    empty = [
        FieldError(pointer=f"/persons/{index}", detail="nothing of this stands in share")
        for index, (person, sections) in enumerate(
            zip(given.persons, may_leave.leaving, strict=True)
        )
        if not sections and person.person_id not in with_files
    ]
    if empty:
        raise ProblemError("invalid_input", errors=empty)


def _message(
    held: StoredReferral,
    given: InformationSupply,
    route: Pathway,
    body: InformationSupplied,
    may_leave: Cut,
    slices: list[HeldGrant],
    now: datetime,
) -> OutgoingMessage:
    return OutgoingMessage(
        id=new_id(),
        referral_id=held.id,
        reference_code=held.reference_code,
        sender=held.sender,
        receiver=held.receiver,
        message_type=INFORMATION_SUPPLIED.id,
        pathway=route.public_name,
        triage=held.triage,
        purpose=held.purpose,
        categories=may_leave.share,
        grants=[grant.jws for grant in slices],
        grant_ids=[grant.id for grant in slices],
        basis=given.basis,
        test=held.test,
        expires_at=min([now + DEFAULT_LIFETIME, *(grant.expires_at for grant in slices)]),
        body=body.model_dump(mode="json", exclude_none=True),
    )


def _keep(
    connection: Connection,
    node: Node,
    held: StoredReferral,
    message_id: str,
    persons: dict[int, dict[str, Any]],
    contact_rules: list[dict[str, Any]],
    at: datetime,
) -> None:
    keys = information.keys_of(connection, held.id)
    if persons.keys() - keys.keys():
        raise ProblemError("envelope_malformed", fault="a person who is not in the referral")
    information.add(
        connection,
        node.vault,
        held,
        message_id,
        persons={position: (keys[position], part) for position, part in persons.items()},
        contact_rules=contact_rules,
        at=at,
    )


def _sections(person: Person) -> dict[str, Any]:
    unsaid = {"person_id"} if person.specific_needs else {"person_id", "specific_needs"}
    return person.model_dump(mode="json", exclude_none=True, exclude=unsaid)


def information_supplied(batch: Batch, item: Opened) -> bool:
    """What was asked for came: kept with each person, and the question no longer holds it up."""
    message_id, body = item.envelope.jti, item.body
    held, actor = batch.party_to(item)
    if actor != "sender":
        raise ProblemError("not_found")
    if held.sharing == "withdrawn" or batch.is_withdrawn(item):
        raise ProblemError("grant_not_live", grant_state="withdrawn")
    if held.state in ENDED:
        batch.answer_inapplicable(held, message_id)
        return False
    numbered = {
        int(person.person_id): _sections(person)
        for person in body.persons
        if person.person_id.isdecimal()
    }
    if len(numbered) != len(body.persons):
        raise ProblemError("envelope_malformed", fault="persons go by their position")
    batch.keep_files(sealed_files(batch.node, item, information.keys_of(batch.connection, held.id)))
    rules = [terms.contact_rules.model_dump(mode="json") for terms in body.terms]
    _keep(batch.connection, batch.node, held, message_id, numbered, rules, body.supplied_at)
    batch.keep_grants(grants_of(item))
    batch.holdings.tell(held, "referral.information_supplied", now=batch.now)
    if held.state == "info_requested":
        back = StoredEvent(
            held.next_seq, held.way_back[-1], "receiver", batch.now, {"answers": message_id}
        )
        after = tell_state(batch.holdings, held, back, now=batch.now)
        batch.holdings.tell(after, "referral.state_changed", now=batch.now, event_seq=back.seq)
    return True
