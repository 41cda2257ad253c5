"""An unaccompanied or separated child is referred: the authority is told in the same transaction.

The notice is a referral of its own, sealed, on its own way: neither waits for the other, and where no
notice can be made the child is helped all the same and a person is asked to tell (domain rule 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from relevo.contracts.child_duty.loader import law_of
from relevo.contracts.childhood import (
    AUTHORITY_MANDATE,
    AUTHORITY_TYPE,
    AboutChildren,
    AuthorityTold,
    ToldOfChildren,
    authority_to_tell,
    check_authority_of_origin,
    children_alone,
    is_one_of,
)
from relevo.contracts.envelope import LegalBasis
from relevo.contracts.identifiers import country_of
from relevo.contracts.institution import InstitutionProfile
from relevo.contracts.pathways.loader import pathway
from relevo.contracts.person import SECTIONS
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.referral import ChildNotice, Need, ReferralSubmission
from relevo.contracts.vocabularies.loader import in_code_order
from relevo.node.storage import feed
from relevo.node.storage.child_notices import NoticeRow
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import random_id

from .context import Node
from .directory import Directory, Peer
from .draft import Draft, draft
from .visibility import may_touch

NOTICE_PATHWAY: Final = "child-protection-notice"
UNKNOWN: Final = "child_authority_unknown"

Known = Mapping[str, Peer | ProblemError | None]
"""The authority and its alternate, as the directory has them."""


@dataclass(frozen=True)
class Telling:
    """What is said beside a referral of its children, and the notice that goes with it."""

    carried: ToldOfChildren
    row: NoticeRow | None = None
    notice: Draft | None = None


def is_about_children_alone(submission: ReferralSubmission, now: datetime) -> bool:
    """Whether somebody has to be told of it."""
    return bool(children_alone(submission.persons, now))


async def look_up_authorities(node: Node, directory: Directory) -> Known:
    """Whom this node tells; None while nobody can be asked: then the notice waits in the outbox."""
    known: dict[str, Peer | ProblemError | None] = {}
    for party in (
        node.settings.child_protection_authority,
        node.settings.child_protection_alternate,
    ):
        if party is not None:
            try:
                known[party] = await directory.peer_if_known(party)
            except ProblemError as problem:
                known[party] = problem
    return known


def telling(
    node: Node,
    caller: Caller,
    sender: str,
    submission: ReferralSubmission,
    *,
    peer: Peer | None,
    authorities: Known,
    told_in: StoredReferral | None,
    profiles: Mapping[str, InstitutionProfile],
    now: datetime,
) -> Telling | None:
    """What has to be told of the children of a submission; None when there are none.

    Raises:
        ProblemError: `best_interests_needed`, or `invalid_input` for a notice that was none.
    """
    about = submission.children or AboutChildren()
    country = about.country or _country(node, sender)
    check_authority_of_origin(
        submission.persons,
        receiver=submission.receiver,
        receiver_is_authority=_is_authority(submission, peer),
        child_is_in=country,
        best_interests=about.best_interests,
        now=now,
    )
    if about.told_in is not None:
        _check_told_in(node, caller, told_in, country)
    if not is_about_children_alone(submission, now):
        return None
    carried = ToldOfChildren(country=country, best_interests=about.best_interests)
    if _is_the_authority(node, sender, country):
        return Telling(_told(carried, sender, now))
    if _tells_by_itself(node, submission, peer, country):
        return Telling(_told(carried, submission.receiver, now))
    if told_in is not None:
        return Telling(_told(carried, told_in.receiver, told_in.created_at))
    row, notice = _tell(
        node, caller, sender, submission, country, authorities, profiles=profiles, now=now
    )
    if notice is not None and row.authority is not None:
        carried = _told(carried, row.authority, now)
    return Telling(carried, row, notice)


def with_notice(new: Draft, said: Telling | None) -> Draft:
    """The referral and its notice as one thing to store."""
    if said is None or said.row is None:
        return new
    row = replace(said.row, referral_id=new.answer.id)
    shown = ChildNotice(
        authority=row.authority,
        referral_id=row.notice_id,
        problem=row.problem,
        made_at=row.made_at,
    )
    return replace(
        new,
        answer=new.answer.model_copy(update={"child_notice": shown}),
        notices=(row,),
        also=() if said.notice is None else (said.notice,),
    )


def _country(node: Node, sender: str) -> str:
    """Where children are that are referred from here: a consulate meets them in another country."""
    authority = node.settings.child_protection_authority
    return country_of(sender if authority is None else authority)


def _is_authority(submission: ReferralSubmission, peer: Peer | None) -> bool:
    if peer is None:
        return submission.purpose == AUTHORITY_MANDATE
    mandates = peer.profile.mandates_of(submission.receiver) or frozenset()
    return peer.profile.type == AUTHORITY_TYPE or AUTHORITY_MANDATE in mandates


def _is_the_authority(node: Node, sender: str, country: str) -> bool:
    """Whether whoever refers is the authority that would be told: it names itself in its settings."""
    settings = node.settings
    known = (settings.child_protection_authority, settings.child_protection_alternate)
    return country_of(sender) == country and is_one_of(sender, known)


def _tells_by_itself(
    node: Node, submission: ReferralSubmission, peer: Peer | None, country: str
) -> bool:
    """Whether the referral goes to the authority anyway."""
    settings = node.settings
    if is_one_of(
        submission.receiver,
        (settings.child_protection_authority, settings.child_protection_alternate),
    ):
        return True
    return (
        peer is not None
        and peer.profile.type == AUTHORITY_TYPE
        and country_of(submission.receiver) == country
    )


def _check_told_in(
    node: Node, caller: Caller, told_in: StoredReferral | None, country: str
) -> None:
    settings = node.settings
    if (
        told_in is None
        or told_in.role != "sender"
        or not may_touch(caller, told_in.owner)
        or country_of(told_in.receiver) != country
        or not (
            told_in.pathway == NOTICE_PATHWAY
            or is_one_of(
                told_in.receiver,
                (settings.child_protection_authority, settings.child_protection_alternate),
            )
        )
    ):
        detail = "no referral from here to the authority of the country where the child is"
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="/children/told_in", detail=detail)]
        )


def _told(carried: ToldOfChildren, authority: str, at: datetime) -> ToldOfChildren:
    return carried.model_copy(update={"told": [AuthorityTold(authority=authority, at=at)]})


def _tell(
    node: Node,
    caller: Caller,
    sender: str,
    submission: ReferralSubmission,
    country: str,
    authorities: Known,
    *,
    profiles: Mapping[str, InstitutionProfile],
    now: datetime,
) -> tuple[NoticeRow, Draft | None]:
    """The notice to the authority, or to the alternate when it is implicated or cannot be told."""
    settings = node.settings
    about = submission.children or AboutChildren()
    authority, alternate = (
        settings.child_protection_authority,
        settings.child_protection_alternate,
    )
    first = authority_to_tell(authority, alternate, implicated=about.authority_implicated)
    problem = UNKNOWN
    for party in dict.fromkeys((first, alternate)):
        if party is None or country_of(party) != country:
            continue
        try:
            made = notice_to(
                node,
                caller,
                sender,
                submission,
                party,
                authorities.get(party),
                profiles=profiles,
                now=now,
            )
        except ProblemError as refused:
            problem = refused.name if problem == UNKNOWN else problem
            continue
        watched = alternate is not None and party != alternate
        return notice_row(
            sender, now, authority=party, notice_id=made.answer.id, open=watched
        ), made
    return notice_row(sender, now, problem=problem), None


def notice_to(
    node: Node,
    caller: Caller,
    sender: str,
    submission: ReferralSubmission,
    authority: str,
    peer: Peer | ProblemError | None,
    *,
    profiles: Mapping[str, InstitutionProfile],
    now: datetime,
) -> Draft:
    if isinstance(peer, ProblemError):
        raise peer
    law = node.settings.child_protection_law or law_of(country_of(authority))
    if law is None:
        raise ProblemError("basis_not_allowed", basis="legal_obligation", pathway=NOTICE_PATHWAY)
    children = children_alone(submission.persons, now)
    route = pathway(NOTICE_PATHWAY)
    held = {
        section for child in children for section in SECTIONS if getattr(child, section) is not None
    }
    notice = ReferralSubmission(
        receiver=authority,
        pathway=route.id,
        triage="red",
        purpose=AUTHORITY_MANDATE,
        needs=[Need(service="child_protection")],
        persons=children,
        share=in_code_order("data_category", held & route.wanted),
        basis=LegalBasis(basis="legal_obligation", law=law, authority=authority),
        triaged_at=submission.triaged_at,
    )
    about = submission.children or AboutChildren()
    carried = ToldOfChildren(country=country_of(authority), best_interests=about.best_interests)
    return draft(
        node,
        caller,
        sender,
        notice,
        peer=peer,
        consents={},
        now=now,
        profiles=profiles,
        told=_told(carried, authority, now),
    )


def notice_row(
    owner: str,
    now: datetime,
    *,
    authority: str | None = None,
    notice_id: str | None = None,
    problem: str | None = None,
    open: bool = False,  # noqa: A002 - the column's name
) -> NoticeRow:
    return NoticeRow(
        id=random_id(),
        referral_id="",
        notice_id=notice_id,
        authority=authority,
        owner=owner,
        problem=problem,
        open=open,
        made_at=now,
    )


def event_of(row: NoticeRow, now: datetime) -> feed.FeedEvent:
    """What the institution's systems are told: that the authority was, or that a person has to tell it."""
    what = (
        "referral.child_authority_told"
        if row.problem is None
        else "referral.child_notice_needs_person"
    )
    return feed.FeedEvent(what, row.referral_id, row.owner, now)
