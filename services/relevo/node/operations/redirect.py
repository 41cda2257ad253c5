"""A redirected referral goes on: the node that holds the consent makes the new one.

The institution that redirects only proposes a receiver: the grants that it holds cover nobody else, so
nothing leaves from there. Where the consent covers the proposal, the sender's node refers anew by
itself; else a person does.
"""

import asyncio
from typing import Final

from pydantic import ValidationError
from sqlalchemy import Connection

from relevo.contracts.attachment import AttachmentInput
from relevo.contracts.childhood import ToldOfChildren
from relevo.contracts.consent import Consent
from relevo.contracts.institution import InstitutionProfile
from relevo.contracts.lifecycles.referral import COARSE, ENDED
from relevo.contracts.message_types.redirect_followed import REDIRECT_FOLLOWED, RedirectFollowed
from relevo.contracts.problem import ProblemError
from relevo.contracts.referral import ReferralSubmission
from relevo.node.storage import consents, feed, grants, outbox, peers, redirects, referrals, splits
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.redirects import Redirect
from relevo.node.storage.referrals import StoredReferral
from relevo.servicekit.access_token import Caller

from . import attach
from .attach import Uploads
from .batch import Batch
from .context import Node
from .cut import unasked_institutions
from .directory import Directory, Peer
from .draft import Draft, draft
from .open_envelope import Opened
from .tell import control_message

MAX_REDIRECTS: Final = 3


async def redirect_once(node: Node, directory: Directory) -> bool:
    """Goes on with what was redirected, and tells how it goes. True when it did something."""
    parents = await node.database.read(redirects.not_looked_at)
    for parent_id in parents:
        await _go_on(node, directory, parent_id)
    told = await _tell_all(node)
    if parents or told:
        node.wake()
    return bool(parents) or told


async def _go_on(node: Node, directory: Directory, parent_id: str) -> None:
    parent, proposed, chain = await node.database.read(_read, node, parent_id)
    outcome: Draft | ProblemError | None = None
    if proposed is not None:
        try:
            _check_chain(chain, proposed)
            peer = await directory.peer_if_known(proposed)
            known = await node.database.read(
                consents.get_many, node.vault, parent.details.get("consent_ids", [])
            )
            records = [record for record, _ in known.values()]
            profiles = await node.database.read(
                peers.profiles, sorted({*unasked_institutions(records), node.institution})
            )
            files = await node.database.read(_files, node, parent)
            outcome = await asyncio.to_thread(
                _draft, node, parent, proposed, peer, known, profiles, files
            )
        except ProblemError as problem:
            outcome = problem
    await node.database.write(_store, node, parent, proposed, outcome)


def _read(
    connection: Connection, node: Node, parent_id: str
) -> tuple[StoredReferral, str | None, list[StoredReferral]]:
    """The redirected referral, who was proposed, and the way that led to it, newest first."""
    parent = referrals.get(connection, node.vault, parent_id)
    if parent is None:
        raise ProblemError("not_found")
    chain = [parent]
    while chain[-1].part_of is not None and len(chain) <= MAX_REDIRECTS:
        before = referrals.by_ids(connection, [chain[-1].part_of]).get(chain[-1].part_of)
        kept = None if before is None else redirects.get(connection, before.id)
        if before is None or kept is None or kept.child_id != chain[-1].id:
            break
        chain.append(before)
    if splits.gone_from(connection, parent_id)[0]:
        return parent, None, chain  # a family that was split: who goes where is for people to say
    return parent, redirects.proposed_in(connection, node.vault, parent), chain


def _check_chain(chain: list[StoredReferral], proposed: str) -> None:
    if len(chain) > MAX_REDIRECTS:
        raise ProblemError("redirect_too_long", limit=MAX_REDIRECTS)
    if proposed in {chain[0].sender, *(before.receiver for before in chain)}:
        raise ProblemError("redirect_loop", receiver=proposed)


def _ourselves(node: Node, parent: StoredReferral) -> Caller:
    unit = None if parent.owner == node.institution else parent.owner
    return Caller("redirect", node.institution, unit, frozenset(), None, frozenset())


def _files(connection: Connection, node: Node, parent: StoredReferral) -> Uploads:
    """The files that went with it: they go on as well, where consent lets them."""
    wanted = [AttachmentInput(**one) for one in parent.details.get("attachments", [])]
    return attach.read_uploads(connection, node, _ourselves(node, parent), wanted)


def _draft(
    node: Node,
    parent: StoredReferral,
    proposed: str,
    peer: Peer | None,
    known: dict[str, tuple[Consent, str]],
    profiles: dict[str, InstitutionProfile],
    files: Uploads,
) -> Draft:
    """The same record, needs and consents for another receiver; everything is checked afresh."""
    if parent.sharing == "withdrawn":
        raise ProblemError("consent_not_active", consent_state="withdrawn")
    details = parent.details
    try:
        submission = ReferralSubmission.model_validate(
            {
                "receiver": proposed,
                "pathway": parent.pathway,
                "triage": parent.triage,
                "purpose": parent.purpose,
                "needs": details.get("needs"),
                "persons": parent.persons,
                "share": details.get("share"),
                "consent_ids": details.get("consent_ids", []),
                "basis": details.get("basis"),
                "local_reference": details.get("local_reference"),
                "part_of": parent.id,
                "attachments": details.get("attachments", []),
            }
        )
    except ValidationError:
        raise ProblemError("consent_missing") from None  # she was erased
    return draft(
        node,
        _ourselves(node, parent),
        parent.owner,
        submission,
        peer=peer,
        consents=known,
        now=node.clock.business(),
        parent=parent,
        profiles=profiles,
        told=None if details.get("children") is None else ToldOfChildren(**details["children"]),
        uploads=files,
    )


def _store(
    connection: Connection,
    node: Node,
    parent: StoredReferral,
    proposed: str | None,
    outcome: Draft | ProblemError | None,
) -> None:
    now = node.clock.business()
    held = referrals.lock(connection, [parent.id]).get(parent.id)
    if held is None or held.state != "redirected" or redirects.get(connection, parent.id):
        return  # closed, or gone on with, meanwhile
    if isinstance(outcome, Draft) and not consents.hold_active(
        connection, set(outcome.consent_ids)
    ):
        outcome = ProblemError("consent_not_active", consent_state="withdrawn")
    made = outcome if isinstance(outcome, Draft) else None
    redirects.put(
        connection,
        Redirect(
            parent_id=parent.id,
            state="needs_person" if made is None else "followed",
            proposed_receiver=proposed,
            problem=outcome.name if isinstance(outcome, ProblemError) else None,
            child_id=None if made is None else made.answer.id,
            followed_state=None,
            open=True,
            updated_at=now,
        ),
    )
    events = [
        feed.FeedEvent(
            "referral.redirect_needs_person" if made is None else "referral.redirected",
            parent.id,
            parent.owner,
            now,
        )
    ]
    if made is not None:
        if made.files is not None:
            attach.store(connection, [made.files])
        referrals.add(connection, [made.referral])
        grants.add(connection, made.grants)
        outbox.add(connection, [made.message])
        child = feed.FeedEvent("referral.submitted", made.answer.id, parent.owner, now, event_seq=0)
        events.append(child)
    feed.append(connection, events)


async def _tell_all(node: Node) -> bool:
    """Tells of every referral that goes on how it goes."""
    after, told = "", False
    while found := await node.database.read(redirects.open_after, after):
        for kept in await node.database.read(_with_news, found):
            told = await node.database.write(_tell, node, kept.parent_id) or told
        after = found[-1].parent_id
    return told


def _with_news(connection: Connection, found: list[Redirect]) -> list[Redirect]:
    return [kept for kept in found if _news(connection, kept) is not None]


def _news(connection: Connection, kept: Redirect) -> Redirect | None:
    """What is to be noted of this redirect now, if anything."""
    child_id = kept.child_id or redirects.made_by_hand(connection, kept.parent_id)
    parent = referrals.by_ids(connection, [kept.parent_id])[kept.parent_id]
    if child_id is None:
        # Whoever closes what was redirected does not go on with it.
        return None if parent.state == "redirected" else _changed(kept, open=False)
    leaf = _leaf(connection, child_id)
    coarse = COARSE[leaf.state]
    ended = leaf.state in ENDED - {"redirected"}
    if kept.followed_state == coarse and kept.open != ended and kept.child_id == child_id:
        return None
    return _changed(
        kept, state="followed", child_id=child_id, followed_state=coarse, open=not ended
    )


def _changed(kept: Redirect, **changes: object) -> Redirect:
    return Redirect(**vars(kept) | changes)


def _leaf(connection: Connection, child_id: str) -> StoredReferral:
    """Where it went on to, when it was redirected again."""
    for _ in range(MAX_REDIRECTS):
        again = redirects.get(connection, child_id)
        if again is None or again.child_id is None:
            break
        child_id = again.child_id
    return referrals.by_ids(connection, [child_id])[child_id]


def _tell(connection: Connection, node: Node, parent_id: str) -> bool:
    now = node.clock.business()
    holdings = Holdings(connection, node.vault, [parent_id])
    parent, kept = holdings.get(parent_id), redirects.get(connection, parent_id)
    news = None if kept is None else _news(connection, kept)
    if parent is None or kept is None or news is None:
        return False
    redirects.put(connection, _changed(news, updated_at=now))
    if news.child_id is not None and parent.sharing == "active":
        leaf = _leaf(connection, news.child_id)
        body = RedirectFollowed(state=COARSE[leaf.state], at=now)
        message = control_message(
            parent,
            REDIRECT_FOLLOWED.id,
            body.model_dump(mode="json"),
            now=now,
            state=leaf.state,
        )
        holdings.send(parent, message, now=now)
    holdings.tell(parent, "referral.redirect_followed", now=now)
    holdings.write()
    return True


def redirect_followed(batch: Batch, item: Opened) -> bool:
    """What was redirected from here went on elsewhere; this is how it stands there."""
    held, actor = batch.party_to(item)
    if actor != "sender":
        raise ProblemError("not_found")
    if held.state not in ENDED:
        batch.answer_inapplicable(held, item.envelope.jti)
        return False
    before = redirects.get(batch.connection, held.id)
    if before is not None and before.updated_at > item.body.at:
        return True  # a later word came first
    redirects.put(
        batch.connection,
        Redirect(
            parent_id=held.id,
            state="followed",
            proposed_receiver=redirects.proposed_in(batch.connection, batch.node.vault, held),
            problem=None,
            child_id=None,
            followed_state=item.body.state,
            open=False,
            updated_at=item.body.at,
        ),
    )
    batch.holdings.tell(held, "referral.redirect_followed", now=batch.now)
    return True
