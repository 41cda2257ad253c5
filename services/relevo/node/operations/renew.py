"""A consent that takes the place of another: what runs goes on under grants of the new one.

So it is when somebody turns 18 and says for herself what a guardian had said. As much goes on as the
new consent covers; the rest is for its caller to withdraw.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Connection

from relevo.contracts import coverage
from relevo.contracts.consent import Consent
from relevo.contracts.envelope import DEFAULT_LIFETIME
from relevo.contracts.families import given_until
from relevo.contracts.identifiers import institution_of
from relevo.contracts.lifecycles.referral import ENDED
from relevo.contracts.message_types.consent_renewed import CONSENT_RENEWED, ConsentRenewed
from relevo.contracts.message_types.referral_submitted import ConsentTerms
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.person import Person
from relevo.contracts.problem import ProblemError
from relevo.contracts.sensitive_routes import contact_rules_on
from relevo.node.domain.outgoing import OutgoingMessage
from relevo.node.storage import grants, peers, referrals
from relevo.node.storage.grants import HeldGrant
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit import jose
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .arrival import followed_up, grants_of
from .batch import Batch
from .context import Node
from .cut import Asked, Cut, cut, unasked_institutions
from .draft import Signed, sign_slices
from .follow_up_slices import named_for_follow_up
from .open_envelope import Opened
from .receive_follow_up import stop_uncovered
from .way_back import live_return_grants, outcome_message

_DENIALS: Final = 300
"""Kept of a referral, however often it is renewed: ten persons' worth."""


def renew(
    connection: Connection, node: Node, caller: Caller, before: Consent, record: Consent
) -> list[HeldGrant]:
    """Gives what runs under the consent before grants of the new one.

    Returns:
        Grants of running referrals that the new consent does not cover.
    """
    now = node.clock.business()
    if not record.valid_from <= now < record.valid_until:
        return []
    issued = defaultdict[str, list[HeldGrant]](list)
    for grant in grants.of_consent(connection, before.id):
        issued[grant.referral_id].append(grant)
    holdings = Holdings(connection, node.vault, issued)
    uncovered: list[HeldGrant] = []
    for referral_id, old in issued.items():
        held = referrals.get(connection, node.vault, referral_id)
        if held is None or not _goes_on(held):
            continue
        until = given_until(record, _persons(held))
        if until is not None and until <= now:
            continue  # somebody else's word for a person who is of age by now
        try:
            may_leave, route = _cut(connection, caller, held, old, record, now=now)
        except ProblemError:
            uncovered += old
            continue
        _send(connection, node, holdings, held, route, may_leave, old, now=now)
        ids = [record.id if one == before.id else one for one in held.details["consent_ids"]]
        details = {**held.details, "consent_ids": ids}
        referrals.put_details(connection, node.vault, replace(held, details=details))
    holdings.write()
    return uncovered


def _goes_on(held: StoredReferral) -> bool:
    """Whether there is still something to share: a service that runs, or an outcome to be told."""
    if held.role != "sender" or held.sharing != "active" or not held.persons:
        return False
    if held.next_seq == 1:
        return False  # the other side never spoke: what it did not get it does not need
    return held.state not in ENDED or (
        held.state in {"completed", "failed"} and held.counter_referral is None
    )


def _persons(held: StoredReferral) -> list[Person]:
    return [Person.model_validate(person) for person in held.persons if person]


def _cut(
    connection: Connection,
    caller: Caller,
    held: StoredReferral,
    old: list[HeldGrant],
    record: Consent,
    *,
    now: datetime,
) -> tuple[Cut, Pathway]:
    """What of the categories shared so far the new consent lets this receiver have.

    Raises:
        ProblemError: It does not cover this receiver, or this purpose.
    """
    route = pathways().get(held.pathway)
    persons = _persons(held)
    hers = [person for person in persons if person.person_id == record.person_id]
    if route is None or not hers:
        raise ProblemError("consent_missing")
    home = institution_of(held.receiver)
    profile = peers.profiles(connection, [home]).get(home)
    entry = coverage.check_consent(
        record,
        receiver=held.receiver,
        purpose=held.purpose,
        categories=[],
        now=now,
        profile=profile,
    )
    asked = Asked(
        receiver=held.receiver,
        purpose=held.purpose,
        persons=hers,
        share=sorted(_shared(held, old) & coverage.allowed_categories(record, entry)),
        consent_ids=[record.id],
        basis=None,
        also_known=persons,
        profile=profile,
    )
    return cut(caller, asked, route, {record.id: (record, held.owner)}, now=now), route


def _shared(held: StoredReferral, old: list[HeldGrant]) -> set[str]:
    shared = set[str]()
    for grant in old:
        claims = jose.peek(grant.jws)[1]
        if (grant.sender, grant.receiver) == (held.sender, held.receiver):
            shared.update(claims["categories"] if held.purpose in claims["purposes"] else ())
    return shared


def _send(
    connection: Connection,
    node: Node,
    holdings: Holdings,
    held: StoredReferral,
    route: Pathway,
    may_leave: Cut,
    old: list[HeldGrant],
    *,
    now: datetime,
) -> None:
    [record] = may_leave.records
    profiles = peers.profiles(
        connection, sorted({*unasked_institutions([record]), node.institution})
    )
    persons = _persons(held)
    named = named_for_follow_up(
        record,
        route,
        persons,
        holder=held.receiver,
        may_leave=may_leave,
        profiles=profiles,
    )
    signed = sign_slices(node, named, held, may_leave, profiles)
    body = ConsentRenewed(
        said_at=record.given_at,
        terms=ConsentTerms(
            grant_id=signed.forward.id,
            person=named.person,
            contact_rules=contact_rules_on(route.sensitivity, record.contact_rules),
            denials=record.denials,
            valid_until=record.valid_until,
            comes_of_age_at=given_until(record, persons),
        ),
        return_grants=[signed.back.jws],
        follow_up_grants=[carried for carried, _ in signed.follow_up],
    )
    ending = [grant.id for grant in old if grant.expires_at > now]
    grants.note_withdrawn(connection, node.institution, ending, now=now)
    grants.add(connection, signed.all())
    message = _message(held, route, may_leave, signed, body, ending, now)
    holdings.send(held, message, now=now)
    holdings.tell(held, "referral.consent_renewed", now=now)


def _message(
    held: StoredReferral,
    route: Pathway,
    may_leave: Cut,
    signed: Signed,
    body: ConsentRenewed,
    ending: list[str],
    now: datetime,
) -> OutgoingMessage:
    return OutgoingMessage(
        id=new_id(),
        referral_id=held.id,
        reference_code=held.reference_code,
        sender=held.sender,
        receiver=held.receiver,
        message_type=CONSENT_RENEWED.id,
        pathway=route.public_name,
        triage=held.triage,
        purpose=held.purpose,
        categories=may_leave.share,
        grants=[signed.forward.jws],
        grant_ids=[signed.forward.id],
        withdrawn=ending,
        test=held.test,
        expires_at=min(now + DEFAULT_LIFETIME, signed.forward.expires_at),
        body=body.model_dump(mode="json", exclude_none=True),
        excluded_countries=sorted(may_leave.excluded),
        requested=may_leave.requested,
    )


def consent_renewed(batch: Batch, item: Opened) -> bool:
    """The referral goes on under other grants; an outcome that waited for them goes back now."""
    connection, node = batch.connection, batch.node
    _, actor = batch.party_to(item)
    held = referrals.get(connection, node.vault, item.envelope.sub)
    if actor != "sender" or held is None:
        raise ProblemError("not_found")
    if held.sharing == "withdrawn" or batch.is_withdrawn(item):
        raise ProblemError("grant_not_live", grant_state="withdrawn")
    body = cast("ConsentRenewed", item.body)
    issuer = institution_of(item.envelope.iss)
    grants.note_withdrawn(connection, issuer, item.envelope.withdrawn, now=batch.now)
    grants.add(connection, grants_of(item))
    referrals.put_details(
        connection, node.vault, replace(held, details=_details(held.details, body, item))
    )
    stop_uncovered(batch, held.id)
    live = live_return_grants(connection, held, batch.now)
    if held.counter_referral is not None and live:
        message = outcome_message(held, held.counter_referral, live, now=batch.now)
        batch.holdings.send(held, message, now=batch.now)
    batch.holdings.tell(held, "referral.consent_renewed", now=batch.now)
    return True


def _details(details: dict[str, Any], body: ConsentRenewed, item: Opened) -> dict[str, Any]:
    """What she says of being reached takes the place of what was said for her."""
    terms = body.terms
    said = zip(details.get("contact_rules", []), details.get("rules_of", []), strict=False)
    kept = [(rules, place) for rules, place in said if place is None or place != terms.person]
    kept.append((terms.contact_rules.model_dump(mode="json"), terms.person))
    denials = [
        *details.get("denials", []),
        *(denial.model_dump(mode="json") for denial in terms.denials),
    ]
    others = {
        grant: place
        for grant, place in details.get("follow_up", {}).items()
        if place != terms.person
    }
    return {
        **details,
        "contact_rules": [rules for rules, _ in kept],
        "rules_of": [place for _, place in kept],
        "denials": [one for at, one in enumerate(denials) if one not in denials[:at]][-_DENIALS:],
        "follow_up": {**others, **followed_up(item, body.follow_up_grants)},
    }
