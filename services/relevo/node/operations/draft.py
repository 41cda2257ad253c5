"""One referral as it will be stored: checked against consent, cut to what may leave, signed, sealed.

Nothing here writes: what is refused leaves no trace, and no transaction waits for the cryptography.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from relevo.contracts import coverage
from relevo.contracts.anonymous import UNREACHABLE, check_anonymous
from relevo.contracts.attachment import split_by_category
from relevo.contracts.childhood import ToldOfChildren
from relevo.contracts.consent import Consent
from relevo.contracts.families import given_until
from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.institution import InstitutionProfile
from relevo.contracts.message_types.referral_submitted import (
    REFERRAL_SUBMITTED,
    ConsentTerms,
    FollowUpGrant,
    ReferralSubmitted,
)
from relevo.contracts.model import ContractModel
from relevo.contracts.pathways.loader import pathway
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.person import Person
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.referral import ChildNotice, ReferralSubmission
from relevo.contracts.sensitive_routes import contact_rules_on
from relevo.contracts.victim_justice import check_purpose
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.storage import outbox, referrals
from relevo.node.storage.attachments import SealedRows
from relevo.node.storage.child_notices import NoticeRow
from relevo.node.storage.coming_of_age import ComingOfAge
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.referrals import SealedReferral, StoredEvent, StoredReferral
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id, new_reference_code

from .afterwards import triaged_at
from .attach import Uploads, carried, check_persons, rows_of, seal_files
from .context import Node
from .cut import Asked, Cut, check_law, cut, parties_named
from .directory import Peer
from .follow_up_slices import NamedForFollowUp, named_for_follow_up, sign_follow_up_slices
from .route_checks import check_pathway, check_receiver, check_required, check_starter
from .slices import sign_slice
from .visibility import may_touch

RETURN_CATEGORIES: Final = ("service_history",)
"""What the receiver may send back by default: the outcome and what was done (domain rule 13)."""

MAX_MESSAGE_BYTES: Final = 128 * 1024
"""What an envelope holds, once it is padded, sealed and signed."""


class SubmittedReferral(ContractModel):
    """The answer to a submission. Kept for replays of the same key, so it holds nothing personal."""

    id: str
    reference_code: str
    state: str = "submitted"
    withheld: list[str] = []
    child_notice: ChildNotice | None = None


@dataclass(frozen=True)
class Draft:
    """Everything about a new referral that its transaction stores.

    Attributes:
        also: The notice to the authority of its children, which goes its own way.
        ages: When what somebody else gave ends.
    """

    answer: SubmittedReferral
    consent_ids: frozenset[str]
    referral: SealedReferral
    grants: list[HeldGrant]
    message: dict[str, Any]
    also: tuple["Draft", ...] = ()
    notices: tuple[NoticeRow, ...] = ()
    ages: tuple[ComingOfAge, ...] = ()
    files: SealedRows | None = None


@dataclass(frozen=True)
class Signed:
    """What one consent opens: this message's way, the answer's, and those of follow-up results."""

    forward: HeldGrant
    back: HeldGrant
    follow_up: list[tuple[FollowUpGrant, HeldGrant]]

    def all(self) -> list[HeldGrant]:
        return [self.forward, self.back, *(kept for _, kept in self.follow_up)]


def draft(
    node: Node,
    caller: Caller,
    sender: str,
    submission: ReferralSubmission,
    *,
    peer: Peer | None,
    consents: Mapping[str, tuple[Consent, str]],
    now: datetime,
    parent: StoredReferral | None = None,
    profiles: Mapping[str, InstitutionProfile] = MappingProxyType({}),
    told: ToldOfChildren | None = None,
    uploads: Uploads = MappingProxyType({}),
) -> Draft:
    """Decides about one submission.

    Args:
        node: This node.
        caller: Who submits.
        sender: The party it submits for.
        submission: What shall leave.
        peer: The receiver's institution; None while nobody can be asked.
        consents: Records and their owners, by id.
        now: Business time.
        parent: The referral that it says it continues, if that is held here.
        profiles: What is known of this institution and of those that consents name, by institution.
        told: What is said beside it of its children.
        uploads: The files that shall go along.

    Raises:
        ProblemError: What stands against it.
    """
    if submission.part_of is not None:
        _check_parent(caller, parent)
    route = pathway(submission.pathway)
    check_pathway(submission, route)
    ourselves = profiles.get(node.institution)
    if ourselves is not None:  # else the receiver's node, which looks us up, is the first to check
        check_starter(route, ourselves, sender)
    check_anonymous(submission, route)
    if peer is not None:
        check_receiver(peer, submission.receiver, route)
        check_purpose(
            submission.purpose,
            receiver=submission.receiver,
            mandates=peer.profile.mandates_of(submission.receiver) or (),
            basis=None if submission.basis is None else submission.basis.basis,
            pathway=route.id,
        )
    asked = Asked(
        receiver=submission.receiver,
        purpose=submission.purpose,
        persons=submission.persons,
        share=submission.share,
        consent_ids=submission.consent_ids,
        basis=submission.basis,
        profile=None if peer is None else peer.profile,
    )
    may_leave = cut(caller, asked, route, consents, now=now)
    if peer is not None:
        coverage.check_relays(
            peer.gateways,
            sender=sender,
            receiver=submission.receiver,
            excluded_countries=may_leave.excluded,
        )
        check_law(
            submission.basis,
            purpose=submission.purpose,
            sender=(sender, profiles.get(node.institution)),
            receiver=(submission.receiver, peer.profile),
        )
    check_required(route, may_leave.leaving)
    files, kept = split_by_category(
        submission.attachments, allowed=may_leave.share, wanted=route.wanted
    )
    records, left_out = may_leave.records, sorted({*may_leave.left_out, *kept})
    first = StoredEvent(0, "submitted", "sender", triaged_at(submission.triaged_at, now=now))
    key_ids = [node.vault.new_key() for _ in submission.persons]
    stored = _referral(
        node, sender, submission, left_out, told=told, data_key_id=key_ids[0], now=now
    )
    named = [
        named_for_follow_up(
            record,
            route,
            submission.persons,
            holder=submission.receiver,
            may_leave=may_leave,
            profiles=profiles,
        )
        for record in records
    ]
    slices = [sign_slices(node, one, stored, may_leave, profiles) for one in named]
    message = _message(
        stored, route, submission, may_leave, named, slices, parent=parent, told=told
    )
    sealed = seal_files(uploads, files, _places(submission, key_ids))
    message = carried(message, sealed)
    waiting = outbox.seal(node.vault, stored.data_key_id, message, now=now)
    if len(waiting["sealed"]) > MAX_MESSAGE_BYTES:
        raise ProblemError("body_too_large", limit=MAX_MESSAGE_BYTES)
    return Draft(
        answer=SubmittedReferral(
            id=stored.id, reference_code=stored.reference_code, withheld=left_out
        ),
        consent_ids=frozenset(record.id for record in records),
        referral=referrals.seal(node.vault, stored, first, key_ids=key_ids),
        grants=[grant for signed in slices for grant in signed.all()],
        message=waiting,
        ages=tuple(_ages(records, submission, owner=sender)),
        files=rows_of(node, message, sealed),
    )


def _places(submission: ReferralSubmission, key_ids: list[str]) -> dict[str, tuple[int, str]]:
    """Position and data key of each person, for the files that are hers."""
    places = {
        person.person_id: (position, key_id)
        for position, (person, key_id) in enumerate(
            zip(submission.persons, key_ids, strict=True), start=1
        )
    }
    check_persons(submission.attachments, places)
    return places


def _ages(
    records: list[Consent], submission: ReferralSubmission, *, owner: str
) -> Iterator[ComingOfAge]:
    for record in records:
        until = given_until(record, submission.persons)
        if until is not None:
            yield ComingOfAge("consent", record.id, owner, until)


def _check_parent(caller: Caller, parent: StoredReferral | None) -> None:
    if parent is None or not may_touch(caller, parent.owner):
        detail = "no referral that you sent or received"
        raise ProblemError("invalid_input", errors=[FieldError(pointer="/part_of", detail=detail)])


def _known_to(receiver: str, parent: StoredReferral | None) -> str | None:
    """The id of the referral before, for a receiver that had part in it; nobody else needs it."""
    if parent is None:
        return None
    parties = {institution_of(parent.sender), institution_of(parent.receiver)}
    return parent.id if institution_of(receiver) in parties else None


def _referral(
    node: Node,
    sender: str,
    submission: ReferralSubmission,
    left_out: list[str],
    *,
    told: ToldOfChildren | None,
    data_key_id: str,
    now: datetime,
) -> StoredReferral:
    return StoredReferral(
        id=new_id(),
        reference_code=new_reference_code(country_of(sender)),
        role="sender",
        sender=sender,
        receiver=submission.receiver,
        owner=sender,
        pathway=submission.pathway,
        triage=submission.triage,
        purpose=submission.purpose,
        state="submitted",
        next_seq=1,
        sharing="active",
        delivery="waiting",
        delivery_problem=None,
        part_of=submission.part_of,
        closed_here=False,
        test=not node.settings.production,
        expires_at=now + timedelta(days=submission.expires_in_days),
        created_at=now,
        updated_at=now,
        data_key_id=data_key_id,
        details={
            "needs": [need.model_dump() for need in submission.needs],
            "withheld": left_out,
            "local_reference": submission.local_reference,
            "anonymous": submission.anonymous,
            # What a redirect goes on with.
            "share": list(submission.share),
            "consent_ids": list(submission.consent_ids),
            "attachments": [one.model_dump(mode="json") for one in submission.attachments],
            "children": None if told is None else told.model_dump(mode="json"),
            "basis": None if submission.basis is None else submission.basis.model_dump(mode="json"),
        },
        persons=[p.model_dump(mode="json", exclude_none=True) for p in submission.persons],
    )


def _message(
    stored: StoredReferral,
    route: Pathway,
    submission: ReferralSubmission,
    may_leave: Cut,
    named: list[NamedForFollowUp],
    slices: list[Signed],
    *,
    parent: StoredReferral | None,
    told: ToldOfChildren | None,
) -> OutgoingMessage:
    forward = [signed.forward for signed in slices]
    body = ReferralSubmitted(
        needs=submission.needs,
        persons=[
            Person.model_validate({"person_id": str(position), **sections})
            for position, sections in enumerate(may_leave.leaving, start=1)
        ],
        terms=[
            ConsentTerms(
                grant_id=grant.id,
                person=one.person,
                contact_rules=UNREACHABLE
                if submission.anonymous
                else contact_rules_on(route.sensitivity, one.record.contact_rules),
                denials=one.record.denials,
                valid_until=one.record.valid_until,
                comes_of_age_at=given_until(one.record, submission.persons),
            )
            for grant, one in zip(forward, named, strict=True)
        ],
        return_grants=[signed.back.jws for signed in slices],
        follow_up_grants=[carried for signed in slices for carried, _ in signed.follow_up],
        part_of=_known_to(submission.receiver, parent),
        pathway=route.id if route.sensitivity == "sealed" else None,
        submitted_at=triaged_at(submission.triaged_at, now=stored.created_at),
        children=told,
    )
    return OutgoingMessage(
        id=new_id(),
        referral_id=stored.id,
        reference_code=stored.reference_code,
        sender=stored.sender,
        receiver=stored.receiver,
        message_type=REFERRAL_SUBMITTED.id,
        pathway=route.public_name,
        triage=stored.triage,
        purpose=stored.purpose,
        categories=may_leave.share,
        grants=[grant.jws for grant in forward],
        grant_ids=[grant.id for grant in forward],
        basis=submission.basis,
        state="submitted",
        test=stored.test,
        expires_at=stored.expires_at,
        body=body.model_dump(mode="json", exclude_none=True),
        excluded_countries=sorted(may_leave.excluded),
        requested=may_leave.requested,
    )


def sign_slices(
    node: Node,
    named: NamedForFollowUp,
    stored: StoredReferral,
    may_leave: Cut,
    profiles: Mapping[str, InstitutionProfile],
) -> Signed:
    """Everything that one consent opens on one referral."""
    record = named.record
    return Signed(
        sign_slice(
            node,
            record,
            referral_id=stored.id,
            sender=stored.sender,
            receiver=stored.receiver,
            purpose=stored.purpose,
            categories=may_leave.share,
            status_parties=parties_named(record, "status", may_leave, profiles),
            follow_up_parties=named.parties,
        ),
        sign_slice(
            node,
            record,
            referral_id=stored.id,
            sender=stored.receiver,
            receiver=stored.sender,
            purpose=stored.purpose,
            categories=list(RETURN_CATEGORIES),
        ),
        sign_follow_up_slices(node, named, referral_id=stored.id, holder=stored.receiver),
    )
