"""A list of returnees comes in: what may not be kept is left at the door, the rest is sealed to be read."""

import asyncio
import hashlib
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection

from relevo.contracts.manifest.door import RawList, RawRow
from relevo.contracts.problem import Language
from relevo.contracts.returnee import Manifest, ManifestTerms
from relevo.node.domain.manifest_file import read_file
from relevo.node.storage import manifests
from relevo.node.storage.manifests import StoredManifest, Upload
from relevo.servicekit.access_token import Caller
from relevo.servicekit.ids import new_id

from .context import Node
from .intake import LEASE, read_version
from .read_manifest import view
from .visibility import party_of

ROWS_OF_BLOCK: Final = 500
READ_AT_ONCE: Final = 300
"""Rows that are read before the answer goes out; longer lists are read afterwards."""


async def post_manifest(
    node: Node,
    caller: Caller,
    terms: ManifestTerms,
    *,
    media_type: str,
    body: bytes,
    language: Language,
) -> Manifest:
    """Takes a list, and reads it at once when it is short.

    The same file under the same reference changes nothing. Forbidden columns end here: they are
    never stored, sealed or not.

    Raises:
        ProblemError: `not_yours`, `unsupported_media_type`, or `manifest_unreadable` with its fault.
    """
    owner = party_of(node, caller)
    raw = await asyncio.to_thread(read_file, media_type, body)
    said = terms.model_dump_json()
    digest = node.vault.fingerprint("list", owner, said, hashlib.sha256(body).hexdigest())
    prepared = await asyncio.to_thread(_prepare, node, owner, terms, raw, digest)
    stored, upload, is_new = await node.database.write(
        _store, node, owner, prepared, short=len(raw.rows) <= READ_AT_ONCE
    )
    if is_new and upload.lease_id is not None:
        upload = await read_version(node, stored, upload)
    else:
        node.wake("intake")
    return view(node, stored, upload, language)


def _prepare(
    node: Node, owner: str, terms: ManifestTerms, raw: RawList, digest: str
) -> dict[str, Any]:
    upload_id, list_key, rows_key = new_id(), *node.vault.new_keys(2)
    blocks = [
        node.vault.seal(
            rows_key,
            [
                [row.packed(), _words(node, owner, row)]
                for row in raw.rows[start : start + ROWS_OF_BLOCK]
            ],
            place=manifests.block_place(upload_id, number),
        )
        for number, start in enumerate(range(0, len(raw.rows), ROWS_OF_BLOCK))
    ]
    return {
        "upload_id": upload_id,
        "new_key_id": list_key,
        "blocks": blocks,
        "values": {
            "digest": digest,
            "terms": terms.model_dump(mode="json", exclude_none=True),
            "m_means": raw.m_means,
            "columns": [asdict(fate) for fate in raw.columns],
            "data_key_id": rows_key,
            "rows_total": len(raw.rows),
        },
    }


def _words(node: Node, owner: str, row: RawRow) -> str:
    """The fingerprint of what a row says, wherever it stands and in whatever order its columns are."""
    return node.vault.fingerprint(
        "says", owner, *(part for cell in sorted(row.cells.items()) for part in cell)
    )


def _store(
    connection: Connection, node: Node, owner: str, prepared: dict[str, Any], *, short: bool
) -> tuple[StoredManifest, Upload, bool]:
    now = node.clock.business()
    stored = manifests.hold(
        connection,
        owner=owner,
        reference=prepared["values"]["terms"]["reference"],
        new_key_id=prepared["new_key_id"],
        now=now,
    )
    before = manifests.newest(connection, stored.id)
    if before is not None and before.digest == prepared["values"]["digest"]:
        return stored, before, False
    # An earlier version that still waits is read first, by the worker.
    at_once = short and (before is None or before.state == manifests.DONE)
    upload = manifests.add_version(
        connection,
        prepared["upload_id"],
        stored,
        after=before,
        blocks=prepared["blocks"],
        now=now,
        lease=timedelta(seconds=LEASE) if at_once else None,
        **prepared["values"],
    )
    return stored, upload, True
