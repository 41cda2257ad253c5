"""How far a list has been read, and what became of each of its rows."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts.manifest.advice import advice
from relevo.contracts.problem import Language, ProblemError
from relevo.contracts.returnee import (
    ColumnNote,
    Manifest,
    ManifestState,
    ManifestTerms,
    RowAnswer,
    RowNote,
    RowResult,
)
from relevo.node.storage import manifests
from relevo.node.storage.manifests import Answer, StoredManifest, Upload
from relevo.servicekit.access_token import Caller

from .context import Node
from .cursor import from_cursor, to_cursor
from .visibility import may_touch, only_party, party_of

_FOR_THE_UNIT: Final = "sealed_event"
_FORGOTTEN_AT_ONCE: Final = 20


async def read_manifest(
    node: Node, caller: Caller, manifest_id: str, *, language: Language
) -> Manifest:
    """A list and its progress.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    stored, upload = await node.database.read(_found, caller, manifest_id)
    return view(node, stored, upload, language)


async def list_manifests(
    node: Node, caller: Caller, *, cursor: str | None, limit: int, language: Language
) -> tuple[list[Manifest], str | None]:
    """A page of lists, newest first, and the cursor of the next one.

    Raises:
        ProblemError: `invalid_input`, the cursor is none of ours.
    """
    party_of(node, caller)
    found = await node.database.read(
        manifests.page,
        party=only_party(caller),
        before=None if cursor is None else from_cursor(cursor),
        limit=limit + 1,
    )
    shown = found[:limit]
    following = to_cursor(shown[-1][0].created_at, shown[-1][0].id) if found[limit:] else None
    return [view(node, stored, upload, language) for stored, upload in shown], following


async def forget_answers(node: Node) -> None:
    """Drops the answers to the rows of lists that were read long ago."""
    before = node.clock.business() - _kept(node)
    while (
        await node.database.write(
            manifests.forget_answers, finished_before=before, limit=_FORGOTTEN_AT_ONCE
        )
        == _FORGOTTEN_AT_ONCE
    ):
        pass


def _kept(node: Node) -> timedelta:
    return timedelta(days=node.settings.manifest_retention_days)


async def read_rows(
    node: Node,
    caller: Caller,
    manifest_id: str,
    *,
    after: int,
    result: RowResult | None,
    limit: int,
    language: Language,
) -> tuple[list[RowAnswer], int | None]:
    """Answers past a line of the last version that came, and the line to go on from.

    Raises:
        ProblemError: `not_found`.
    """
    party_of(node, caller)
    owner, found = await node.database.read(
        _rows, node, caller, manifest_id, after=after, result=result, limit=limit + 1
    )
    shown = found[:limit]
    own = caller.party == owner
    return [_row(answer, language, own=own) for answer in shown], (
        shown[-1].line if found[limit:] else None
    )


def _rows(
    connection: Connection,
    node: Node,
    caller: Caller,
    manifest_id: str,
    *,
    after: int,
    result: RowResult | None,
    limit: int,
) -> tuple[str, list[Answer]]:
    stored, upload = _found(connection, caller, manifest_id)
    return stored.owner, manifests.answers(
        connection,
        node.vault,
        stored,
        upload.version,
        after=after,
        result=result,
        limit=limit,
    )


def _found(
    connection: Connection, caller: Caller, manifest_id: str
) -> tuple[StoredManifest, Upload]:
    stored = manifests.get(connection, manifest_id)
    upload = None if stored is None else manifests.newest(connection, manifest_id)
    if stored is None or upload is None or not may_touch(caller, stored.owner):
        raise ProblemError("not_found")
    return stored, upload


def view(node: Node, stored: StoredManifest, upload: Upload, language: Language) -> Manifest:
    """A list as its institution's systems read it."""
    return Manifest(
        id=stored.id,
        terms=ManifestTerms.model_validate(upload.terms),
        state=_state(upload),
        version=upload.version,
        rows_total=upload.rows_total,
        rows_read=upload.rows_read,
        kept=upload.kept,
        changed=upload.changed,
        unchanged=upload.unchanged,
        refused=upload.refused,
        absent=upload.absent,
        columns=[
            ColumnNote(**fate, advice=advice(fate["code"], language)) for fate in upload.columns
        ],
        created_at=stored.created_at,
        finished_at=upload.finished_at,
        rows_until=None if upload.finished_at is None else upload.finished_at + _kept(node),
    )


def _state(upload: Upload) -> ManifestState:
    if upload.state == manifests.DONE:
        return "done"
    return "running" if upload.rows_read or upload.lease_id else "waiting"


def _row(answer: Answer, language: Language, *, own: bool) -> RowAnswer:
    return RowAnswer(
        line=answer.line,
        result=answer.result,
        returnee_id=answer.returnee_id,
        notes=[
            RowNote(
                code=note.code,
                column=note.column,
                advice=advice(note.code, language),
                lines=list(note.lines),
            )
            for note in answer.notes
            if own or note.code != _FOR_THE_UNIT
        ],
    )
