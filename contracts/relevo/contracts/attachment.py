"""Files that go with a referral: sealed apart from its message, in blobs that are named by their digest.

The message carries what each file is and the key that opens it, sealed; its envelope names the
blobs, so that gateways can tie them to it. Every file is sealed anew for each receiver, under a key
of its own, and cut into pieces, so that a link that breaks loses half a mebibyte and no more.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from .identifiers import Uuid
from .model import ContractModel, Moment, Whole
from .vocabularies.codes import DataCategory
from .vocabularies.loader import code_list, in_code_order

BLOB_BYTES: Final = 512 * 1024
"""What one blob holds, before it is sealed. A larger file has several."""
SEAL_BYTES: Final = 16
MAX_BLOB_BYTES: Final = BLOB_BYTES + SEAL_BYTES
SMALLEST_BLOB_BYTES: Final = 64 * 1024
MAX_ATTACHMENTS: Final = 10
MAX_BLOBS: Final = 120
"""Of one message: 60 MiB."""
BLOB_TYPE: Final = "application/octet-stream"
ATTACHMENTS: Final = "attachments"
"""The data category that says in `withheld` that a file stayed."""

ENDINGS: Final[dict[str, str]] = {
    "application/pdf": ".pdf",
    "image/heic": ".heic",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tif",
    "image/webp": ".webp",
}
"""Media types that are taken, with the ending of a file's name: what scanners and telephones make."""

_DOCUMENT_LISTS: Final = ("attestation_type", "identity_document_type")
_IDENTITY_DOCUMENT: Final = "identity_document"

MediaType = Literal[
    "application/pdf", "image/heic", "image/jpeg", "image/png", "image/tiff", "image/webp"
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Digest in lower-case hexadecimal."""


def _document_types() -> tuple[str, ...]:
    found = [entry.code for name in _DOCUMENT_LISTS for entry in code_list(name).codes]
    return tuple(dict.fromkeys(found))


def _known_document(value: str) -> str:
    if value not in _document_types():
        raise ValueError("not a code of attestation_type or identity_document_type")
    return value


AttachedDocument = Annotated[
    str,
    StringConstraints(max_length=80),
    AfterValidator(_known_document),
    WithJsonSchema({"type": "string", "enum": list(_document_types()), "title": "document"}),
]
"""What a file shows: an attestation, or an identity document."""


def category_of_document(document: str) -> str | None:
    """The data category that a kind of document belongs to; None where that depends on its content."""
    attestations = code_list("attestation_type")
    if document in attestations:
        return attestations.get(document).category
    return _IDENTITY_DOCUMENT


class AttachmentInput(ContractModel):
    """A file that shall go along, as an institution's system names it to its own node.

    Attributes:
        upload: The id that `POST /v1/attachments` answered.
        person_id: Whose it is, under the key that the referral knows her by. The file is kept under her
            data key: erasing her destroys it.
        document: What it shows.
        category: The data category of its content. Only where the kind of document does not say it: a
            medical summary is `health`, whatever anybody calls it.
    """

    upload: Uuid
    person_id: Annotated[
        str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")
    ]
    document: AttachedDocument
    category: DataCategory | None = None

    @model_validator(mode="after")
    def _has_one_category(self) -> "AttachmentInput":
        own = category_of_document(self.document)
        if own is None and self.category is None:
            raise ValueError("a category is needed: this kind of document has none of its own")
        if self.category == ATTACHMENTS:
            raise ValueError("a file has the category of its content")
        if own is not None and self.category not in {None, own}:
            raise ValueError(f"a document of this kind is {own}")
        return self

    @property
    def data_category(self) -> str:
        """The category that consent, pathway and sender must let through."""
        return category_of_document(self.document) or self.category or ATTACHMENTS


AttachmentInputs = Annotated[list[AttachmentInput], Field(max_length=MAX_ATTACHMENTS)]


class SealedAttachment(ContractModel):
    """One file as the sealed content of a message names it. No name of a file travels: they hold names.

    Attributes:
        id: The same on both sides of a referral, and nowhere else.
        person: Whose it is: position in the referral, from 1.
        size: Bytes of the file, without the padding.
        key: Content key (AES-256-GCM), base64url; it opens this file for this receiver and nothing else.
        blobs: Digests of the sealed pieces, in order.
    """

    id: Uuid
    person: Annotated[Whole, Field(ge=1, le=30)]
    document: AttachedDocument
    category: DataCategory
    media_type: MediaType
    size: Annotated[Whole, Field(ge=1, le=MAX_BLOBS * BLOB_BYTES)]
    key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    blobs: Annotated[list[Sha256], Field(min_length=1, max_length=MAX_BLOBS)]

    @model_validator(mode="after")
    def _pieces_fit(self) -> "SealedAttachment":
        if len(self.blobs) != len(piece_sizes(self.size)):
            raise ValueError("the number of blobs does not fit the size")
        return self


SealedAttachments = Annotated[list[SealedAttachment], Field(max_length=MAX_ATTACHMENTS)]

AttachmentState = Literal["leaving", "sent", "arriving", "here", "expired", "refused"]
"""Sender: `leaving` until its gateway holds every piece, then `sent`. Receiver: `arriving`, then `here`."""


class Attachment(ContractModel):
    """A file of a referral as either side sees it.

    Attributes:
        person_id: Position of the person in the referral.
        message: The message that it belongs to.
        state: `expired`: its message's time ran out before it was through. `refused`: it was
            withdrawn on the way, or what came does not open.
    """

    id: Uuid
    person_id: str
    document: AttachedDocument
    category: DataCategory
    media_type: MediaType
    size: Whole
    message: Uuid
    state: AttachmentState


UploadMetadata = Literal["none", "removed", "kept"]


class Upload(ContractModel):
    """A file that a node holds. Until it goes with something it is kept for a day.

    Attributes:
        size: As it is held and will leave.
        metadata: What a camera or a program had written into it beside what it shows, such as where a
            photograph was taken: there was none, it was `removed`, or it is `kept`, because a signature
            covers the whole file.
    """

    id: Uuid
    media_type: MediaType
    size: Whole
    metadata: UploadMetadata
    uploaded_at: Moment
    attached: bool = False


def piece_sizes(size: int) -> list[int]:
    """The padded sizes of the pieces of a file.

    A small file fills the next power of two from 64 KiB, a larger one whole pieces: whoever carries
    them learns the size to within half a mebibyte.
    """
    if size > BLOB_BYTES // 2:
        return [BLOB_BYTES] * -(-size // BLOB_BYTES)
    bucket = SMALLEST_BLOB_BYTES
    while bucket < size:
        bucket *= 2
    return [bucket]


def blobs_of(attachments: Sequence[SealedAttachment]) -> list[str]:
    """What an envelope names: in the order of the digests, which tells nothing of the files."""
    return sorted(digest for one in attachments for digest in one.blobs)


def split_by_category(
    attachments: Sequence[AttachmentInput], *, allowed: Collection[str], wanted: Collection[str]
) -> tuple[list[AttachmentInput], list[str]]:
    """The files that may leave, and what `withheld` says of the others.

    Args:
        attachments: What shall go along.
        allowed: Data categories that leave under the consents.
        wanted: Data categories that the receiver's pathway asks for.
    """
    leaving = [a for a in attachments if a.data_category in allowed and a.data_category in wanted]
    kept = {a.data_category for a in attachments if a not in leaving}
    return leaving, in_code_order("data_category", {*kept, ATTACHMENTS} if kept else set())


def file_name(document: str, media_type: str) -> str:
    """What a file is called when somebody saves it: what it shows, never whose it is."""
    return document + ENDINGS[media_type]
