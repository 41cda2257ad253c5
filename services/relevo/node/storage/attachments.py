"""Files of referrals, sent and received, and their blobs on their way to the gateway or from it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, select, update

from relevo.contracts.attachment import Attachment, AttachmentState, SealedAttachment
from relevo.servicekit import work_queue
from relevo.servicekit.ids import new_id

from .attachment_tables import blob_transfer, referral_attachment
from .tables import outbox, referral
from .uploads import UPLOAD_KEY, as_text
from .vault import ErasedError, Vault

LEAVING: Final = "leaving"
ARRIVING: Final = "arriving"
_MOVING: Final = (LEAVING, ARRIVING)
_TAKEN: Final = ("accepted", "delivered")
DONE: Final = "done"


@dataclass(frozen=True)
class NewAttachment:
    """A file that goes with a message or came with one.

    Attributes:
        data_key_id: Of the person whose it is.
        upload: Id and content key of the upload, on the side that sends it.
    """

    sealed: SealedAttachment
    data_key_id: str
    upload: tuple[str, bytes] | None = None


@dataclass(frozen=True)
class StoredAttachment:
    """A file of a referral, opened."""

    id: str
    referral_id: str
    message_id: str
    state: AttachmentState
    expires_at: datetime
    upload_id: str | None
    sealed: SealedAttachment
    upload_key: str | None

    @property
    def outgoing(self) -> bool:
        return self.upload_id is not None

    def shown(self) -> Attachment:
        """As either side sees it."""
        return Attachment(
            id=self.id,
            person_id=str(self.sealed.person),
            document=self.sealed.document,
            category=self.sealed.category,
            media_type=self.sealed.media_type,
            size=self.sealed.size,
            message=self.message_id,
            state=self.state,
        )


@dataclass(frozen=True)
class Transfer:
    """One blob that is to be carried."""

    id: str
    attachment_id: str
    message_id: str
    position: int
    digest: str
    outgoing: bool
    stored: bool
    attempts: int
    lease_id: str


@dataclass(frozen=True)
class SealedRows:
    """What `seal` made of the files of one message."""

    attachments: list[dict[str, Any]]
    transfers: list[dict[str, Any]]


def seal(
    vault: Vault,
    new: Sequence[NewAttachment],
    *,
    referral_id: str,
    message_id: str,
    expires_at: datetime,
    priority: int,
    now: datetime,
) -> SealedRows:
    """Makes the rows of the files of a message, each under the key of the person whose it is.

    Raises:
        ErasedError: One of them was erased.
    """
    rows: list[dict[str, Any]] = []
    transfers: list[dict[str, Any]] = []
    for place, one in enumerate(new):
        details: dict[str, Any] = {"attachment": one.sealed.model_dump(mode="json")}
        if one.upload is not None:
            details[UPLOAD_KEY] = as_text(one.upload[1])
        rows.append(
            {
                "id": one.sealed.id,
                "referral_id": referral_id,
                "message_id": message_id,
                "position": place,
                "upload_id": None if one.upload is None else one.upload[0],
                "state": ARRIVING if one.upload is None else LEAVING,
                "expires_at": expires_at,
                "created_at": now,
                "data_key_id": one.data_key_id,
                "sealed": vault.seal(one.data_key_id, details, place=f"attachment/{one.sealed.id}"),
            }
        )
        transfers += [
            {
                "id": new_id(),
                "state": work_queue.QUEUED,
                "due_at": now,
                "attempts": 0,
                "priority": priority,
                "attachment_id": one.sealed.id,
                "message_id": message_id,
                "position": position,
                "digest": digest,
                "outgoing": one.upload is not None,
                "stored": False,
            }
            for position, digest in enumerate(one.sealed.blobs)
        ]
    return SealedRows(rows, transfers)


def add(connection: Connection, made: Sequence[SealedRows]) -> None:
    """Stores what `seal` made.

    Raises:
        IntegrityError: One of them is known already.
    """
    rows = [row for one in made for row in one.attachments]
    if rows:
        connection.execute(insert(referral_attachment), rows)
        connection.execute(insert(blob_transfer), [row for one in made for row in one.transfers])


def known_among(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of these ids that are taken."""
    if not ids:
        return set()
    column = referral_attachment.c.id
    return set(connection.scalars(select(column).where(column.in_(list(ids)))))


def of_referral(connection: Connection, vault: Vault, referral_id: str) -> list[StoredAttachment]:
    """The files of a referral, in the order in which they came. Those of the erased are absent."""
    columns = referral_attachment.c
    query = select(referral_attachment).where(columns.referral_id == referral_id)
    rows = connection.execute(
        query.order_by(columns.created_at, columns.message_id, columns.position)
    )
    found = [_opened(vault, row) for row in rows.mappings()]
    return [one for one in found if one is not None]


def get(connection: Connection, vault: Vault, attachment_id: str) -> StoredAttachment | None:
    """One file; None when there is none or its person was erased."""
    query = select(referral_attachment).where(referral_attachment.c.id == attachment_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _opened(vault, row)


def _opened(vault: Vault, row: Any) -> StoredAttachment | None:
    try:
        details = vault.open(row["data_key_id"], row["sealed"], place=f"attachment/{row['id']}")
    except ErasedError:
        return None
    return StoredAttachment(
        id=row["id"],
        referral_id=row["referral_id"],
        message_id=row["message_id"],
        state=row["state"],
        expires_at=row["expires_at"],
        upload_id=row["upload_id"],
        sealed=SealedAttachment.model_validate(details["attachment"]),
        upload_key=details.get(UPLOAD_KEY),
    )


def referral_of(connection: Connection, attachment_id: str) -> str:
    """Whose file it is."""
    columns = referral_attachment.c
    query = select(columns.referral_id).where(columns.id == attachment_id)
    return str(connection.scalar(query))


def is_any_due(connection: Connection, *, now: datetime) -> bool:
    """Whether a blob is due; one that leaves may still wait for its message."""
    columns = blob_transfer.c
    open_ones = columns.state.in_((work_queue.QUEUED, work_queue.LEASED))
    query = select(columns.id).where(open_ones, columns.due_at <= now)
    return connection.scalar(query.limit(1)) is not None


def claim(
    connection: Connection, *, now: datetime, limit: int, lease_seconds: float, lease_id: str
) -> list[Transfer]:
    """Leases blobs that can be carried: what leaves only once the gateway has the message."""
    taken = (
        select(outbox.c.id)
        .where(outbox.c.id == blob_transfer.c.message_id, outbox.c.state.in_(_TAKEN))
        .exists()
    )
    rows = work_queue.claim(
        connection,
        blob_transfer,
        now=now,
        limit=limit,
        lease_seconds=lease_seconds,
        where=[or_(blob_transfer.c.outgoing.is_(False), taken)],
        lease_id=lease_id,
    )
    names = Transfer.__dataclass_fields__
    return [Transfer(**{name: row[name] for name in names}) for row in rows]


def extend(connection: Connection, lease_id: str, until: datetime) -> None:
    """They are still on their way."""
    work_queue.extend(connection, blob_transfer, lease_id, until=until)


def put_back(
    connection: Connection, transfer: Transfer, *, now: datetime, due_at: datetime, error: str
) -> None:
    """It is tried again."""
    work_queue.release(
        connection,
        blob_transfer,
        [transfer.id],
        now=now,
        due_at=due_at,
        error=error,
        lease_id=transfer.lease_id,
    )


def note_stored(connection: Connection, transfer: Transfer) -> None:
    """Its bytes are here; the gateway does not know it yet."""
    connection.execute(
        update(blob_transfer).where(blob_transfer.c.id == transfer.id).values(stored=True)
    )


def finish(connection: Connection, transfer: Transfer) -> None:
    """It is where it belongs."""
    work_queue.finish(connection, blob_transfer, [transfer.id], state=DONE)


def is_whole(connection: Connection, attachment_id: str, *, outgoing: bool) -> bool:
    """Whether every blob of a file is where it belongs."""
    columns = blob_transfer.c
    missing = columns.state != DONE if outgoing else columns.stored.is_(False)
    query = select(columns.id).where(columns.attachment_id == attachment_id, missing)
    return connection.scalar(query.limit(1)) is None


def move(connection: Connection, attachment_id: str, state: AttachmentState) -> bool:
    """A file on its way gets somewhere; False when it is no longer on its way."""
    return bool(
        connection.execute(
            update(referral_attachment)
            .where(
                referral_attachment.c.id == attachment_id,
                referral_attachment.c.state.in_(_MOVING),
            )
            .values(state=state)
        ).rowcount
    )


def stop(connection: Connection, attachment_ids: Collection[str]) -> None:
    """Nothing more of these is carried."""
    columns = blob_transfer.c
    connection.execute(
        update(blob_transfer)
        .where(
            columns.attachment_id.in_(list(attachment_ids)),
            columns.state.in_((work_queue.QUEUED, work_queue.LEASED)),
        )
        .values(state=DONE, leased_until=None, lease_id=None)
    )


def end_of_messages(connection: Connection, states: Sequence[tuple[str, AttachmentState]]) -> None:
    """The files of messages that ended without having been delivered end with them."""
    columns = referral_attachment.c
    for message_id, state in states:
        query = select(columns.id).where(
            columns.message_id == message_id, columns.state.in_((LEAVING, "sent"))
        )
        ids = list(connection.scalars(query))
        if ids:
            connection.execute(
                update(referral_attachment).where(columns.id.in_(ids)).values(state=state)
            )
            stop(connection, ids)


def message_replaced(connection: Connection, before: str, after: str) -> None:
    """A message goes again under another id, and its files with it."""
    of_message = blob_transfer.c.message_id == before
    connection.execute(
        update(blob_transfer)
        .where(of_message, blob_transfer.c.outgoing.is_(True))
        .values(message_id=after, state=work_queue.QUEUED, leased_until=None, lease_id=None)
    )
    connection.execute(
        update(referral_attachment)
        .where(
            referral_attachment.c.message_id == before, referral_attachment.c.upload_id.is_not(None)
        )
        .values(message_id=after, state=LEAVING)
    )


def late(connection: Connection, *, now: datetime, limit: int) -> list[str]:
    """Files that are still on their way when the time of their message is over."""
    columns = referral_attachment.c
    query = select(columns.id).where(columns.state.in_(_MOVING), columns.expires_at <= now)
    return list(connection.scalars(query.limit(limit)))


def stopped_by_withdrawal(connection: Connection, *, limit: int) -> list[str]:
    """Files that are still on their way under a referral that is no longer shared."""
    columns = referral_attachment.c
    query = (
        select(columns.id)
        .join(referral, referral.c.id == columns.referral_id)
        .where(columns.state.in_(_MOVING), referral.c.sharing == "withdrawn")
    )
    return list(connection.scalars(query.limit(limit)))
