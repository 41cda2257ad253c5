"""Rows of a list become records, a block at a time; each block is one transaction.

A block is taken out, its records stored and its rows answered together, so that whoever goes on after
a crash finds exactly what is left to do. Nothing is sent anywhere, whatever anyone's nationality.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from relevo.contracts.lifecycles.returnee import ANSWERS_TO_ITS_LIST
from relevo.contracts.manifest.advice import Note
from relevo.contracts.manifest.door import RawRow
from relevo.contracts.manifest.read_row import Listing, ReadRow, read_row
from relevo.contracts.returnee import ManifestTerms
from relevo.node.storage import feed, manifests, matching, returnees
from relevo.node.storage.manifests import Answer, StoredManifest, Upload
from relevo.node.storage.matching import IndexRows
from relevo.node.storage.returnees import SealedReturnee, Step, StoredReturnee
from relevo.servicekit.backoff import delay_seconds
from relevo.servicekit.ids import new_id

from .context import Node
from .kinship import links_of_row, row_key, row_name
from .match_rows import RowMatcher, path

LEASE: Final = 60.0
_Block = tuple[int, list[tuple[RawRow, str]]]


class _LeaseLostError(Exception):
    """Somebody else goes on with this list."""


@dataclass
class _Changed:
    """A record whose row says something new."""

    record: StoredReturnee
    row: ReadRow
    links: list[tuple[str, str]]
    same_words: bool
    index: IndexRows


@dataclass
class _Plan:
    """What one block's transaction will store."""

    new: list[SealedReturnee]
    fresh: list[StoredReturnee]
    changed: list[_Changed]
    unchanged: list[tuple[str, str]]
    given_up: list[str]
    answers: list[Answer]


async def read_next(node: Node) -> bool:
    """Reads one list that waits, to its end. False when none waits."""
    claimed = await node.database.write(_claim, node)
    if claimed is None:
        return False
    stored, upload = claimed
    try:
        await read_version(node, stored, upload)
    except Exception:
        now = node.clock.business()
        due = now + timedelta(seconds=delay_seconds(upload.attempts, jitter=1.0))
        await node.database.write(manifests.put_back, upload, now=now, due_at=due)
        raise
    return True


def _claim(connection: Connection, node: Node) -> tuple[StoredManifest, Upload] | None:
    upload = manifests.claim(connection, now=node.clock.business(), lease=timedelta(seconds=LEASE))
    stored = None if upload is None else manifests.get(connection, upload.manifest_id)
    return None if upload is None or stored is None else (stored, upload)


async def read_version(node: Node, stored: StoredManifest, upload: Upload) -> Upload:
    """Reads what is left of a leased version; how it stands afterwards."""
    blocks = await node.database.read(manifests.waiting_blocks, node.vault, upload)
    matcher = RowMatcher(upload.version, [digest for _, rows in blocks for _, digest in rows])
    try:
        for block in blocks:
            plan = await node.database.read(_plan, node, stored, upload, block, matcher)
            await node.database.write(_carry_out, node, stored, upload, block[0], plan)
        await node.database.write(_finish, node, upload)
    except _LeaseLostError:
        pass
    else:
        # What the file said is gone for good now: nothing else was sealed with this key.
        await asyncio.to_thread(node.vault.destroy, upload.data_key_id)
    newest = await node.database.read(manifests.newest, stored.id)
    return newest or upload


def _plan(
    connection: Connection,
    node: Node,
    stored: StoredManifest,
    upload: Upload,
    block: _Block,
    matcher: RowMatcher,
) -> _Plan:
    """Reads the rows and decides; nothing is written."""
    now = node.clock.business()
    terms = ManifestTerms.model_validate(upload.terms)
    listing = Listing(terms, now.date(), upload.m_means)
    rows = [(read_row(raw, listing), digest) for raw, digest in block[1]]
    keys = [
        row_key(node.vault, stored.owner, stored.reference, row_name(row.reference, row.line))
        for row, _ in rows
    ]
    if upload.version > 1:
        matcher.begin_block(
            returnees.of_manifest(
                connection,
                node.vault,
                stored.id,
                row_keys=keys,
                row_digests={digest for _, digest in rows},
            )
        )
    plan = _Plan([], [], [], [], [], [])
    new: list[tuple[ReadRow, str, str]] = []
    for (row, digest), key in zip(rows, keys, strict=True):
        if row.refused:
            plan.answers.append(Answer(row.line, "refused", None, row.notes))
            continue
        match = matcher.match(row, key, digest)
        plan.given_up += match.given_up
        if match.refusal is not None:
            notes = (Note(match.refusal, "row_reference"), *row.notes)
            plan.answers.append(Answer(row.line, "refused", None, notes))
        elif match.record is None:
            new.append((row, key, digest))
        elif match.same_words and match.record.body == _body(row):
            plan.unchanged.append((match.record.id, key))
            plan.answers.append(Answer(row.line, "unchanged", match.record.id, row.notes))
        else:
            links = links_of_row(node.vault, stored.owner, stored.reference, row)
            changed = replace(match.record, row_key=key, row_digest=digest, body=_body(row))
            index = returnees.index_rows(node.vault, changed)
            plan.changed.append(_Changed(changed, row, links, match.same_words, index))
    _make(node, stored, upload, new, plan, now)
    return plan


def _make(
    node: Node,
    stored: StoredManifest,
    upload: Upload,
    new: list[tuple[ReadRow, str, str]],
    plan: _Plan,
    now: datetime,
) -> None:
    for (row, key, digest), key_id in zip(new, node.vault.new_keys(len(new)), strict=True):
        moves = path("announced", row.state) or ()
        steps = [Step(seq, state, now) for seq, state in enumerate(("announced", *moves))]
        record = StoredReturnee(
            id=new_id(),
            owner=stored.owner,
            state=steps[-1].state,
            next_seq=len(steps),
            manifest_id=stored.id,
            row_key=key,
            row_digest=digest,
            seen_version=upload.version,
            merged_into=None,
            created_at=now,
            updated_at=now,
            data_key_id=key_id,
            body=_body(row),
        )
        links = links_of_row(node.vault, stored.owner, stored.reference, row)
        plan.new.append(returnees.seal(node.vault, record, steps, links, now=now))
        plan.fresh.append(record)
        plan.answers.append(Answer(row.line, "kept", record.id, row.notes))


def _body(row: ReadRow) -> dict[str, Any]:
    details = None
    if row.details is not None:
        details = row.details.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return {"details": details, "sealed_event": row.sealed_event}


def _carry_out(
    connection: Connection,
    node: Node,
    stored: StoredManifest,
    upload: Upload,
    position: int,
    plan: _Plan,
) -> None:
    now = node.clock.business()
    until = now + timedelta(seconds=LEASE)
    if not manifests.take_block(connection, upload, position, lease_until=until):
        raise _LeaseLostError
    # Before the new records come in, which may stand in the same rows.
    for record_id in plan.given_up:
        returnees.change(connection, record_id, row_key=None)
    if plan.unchanged:
        ids, keys = zip(*plan.unchanged, strict=True)
        returnees.note_seen(connection, ids, keys, version=upload.version)
    returnees.add(connection, plan.new)
    events = [
        feed.FeedEvent("returnee.announced", record.id, record.owner, now, event_seq=0)
        for record in plan.fresh
    ]
    events += [
        feed.FeedEvent("returnee.state_changed", record.id, record.owner, now, event_seq=1)
        for record in plan.fresh
        if record.next_seq > 1
    ]
    answers = [*plan.answers]
    held = returnees.lock(connection, [changed.record.id for changed in plan.changed])
    for changed in plan.changed:
        answer, told = _change(
            connection, node, changed, held[changed.record.id], upload.version, now
        )
        answers.append(answer)
        events += told
    manifests.answer_rows(connection, node.vault, stored, upload.version, answers)
    manifests.count(connection, upload, answers)
    feed.append(connection, events)


def _change(
    connection: Connection,
    node: Node,
    changed: _Changed,
    now_held: StoredReturnee,
    version: int,
    now: datetime,
) -> tuple[Answer, list[feed.FeedEvent]]:
    """Writes what a row newly says, as long as the record still answers to its list."""
    row, record = changed.row, changed.record
    # The same words again do not undo what people did meanwhile.
    moves = () if changed.same_words else path(now_held.state, row.state)
    refusal = None
    if now_held.state not in ANSWERS_TO_ITS_LIST:
        refusal = "received_already"
    elif moves is None:
        refusal = "step_not_possible"
    if refusal is not None or moves is None:
        returnees.change(connection, record.id, seen_version=version)
        notes = (Note(refusal or ""), *row.notes)
        return Answer(row.line, "refused", record.id, notes), []
    steps = [Step(now_held.next_seq + n, state, now) for n, state in enumerate(moves)]
    returnees.add_steps(
        connection, [returnees.step_row(node.vault, record, step, now=now) for step in steps]
    )
    returnees.change(
        connection,
        record.id,
        state=steps[-1].state if steps else now_held.state,
        next_seq=now_held.next_seq + len(steps),
        row_key=record.row_key,
        row_digest=record.row_digest,
        seen_version=version,
        updated_at=now,
        sealed=returnees.seal_body(node.vault, record),
    )
    returnees.put_links(connection, record.id, changed.links)
    matching.put(connection, [changed.index])
    told = [feed.FeedEvent("returnee.changed", record.id, record.owner, now)]
    told += [
        feed.FeedEvent("returnee.state_changed", record.id, record.owner, now, event_seq=step.seq)
        for step in steps
    ]
    return Answer(row.line, "changed", record.id, row.notes), told


def _finish(connection: Connection, node: Node, upload: Upload) -> None:
    now = node.clock.business()
    absent = returnees.count_unseen(connection, upload.manifest_id, upload.version)
    if not manifests.finish(connection, upload, absent=absent, now=now):
        raise _LeaseLostError
    owner = manifests.get(connection, upload.manifest_id)
    if owner is not None:
        feed.append(
            connection,
            [feed.FeedEvent("manifest.read", upload.manifest_id, owner.owner, now)],
        )
