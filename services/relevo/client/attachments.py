"""Files that go along with referrals: uploaded once, named in a referral, downloaded by its other side."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter
from typing_extensions import override

from relevo.contracts.attachment import ENDINGS, Attachment, Upload, file_name

from .call import Call, path
from .plan import M_co, Plan, operation
from .requests import Requests

_OTHER_ENDINGS: Final = {
    ".jpeg": "image/jpeg",
    ".tiff": "image/tiff",
    ".heif": "image/heic",
}
MEDIA_TYPES: Final = {ending: media_type for media_type, ending in ENDINGS.items()} | _OTHER_ENDINGS


@dataclass(frozen=True)
class Downloaded:
    """A file of a referral. It may be somebody's: never printed whole.

    Attributes:
        name: What it shows, never whose it is: `birth_certificate.pdf`.
    """

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class _FileCall(Call[bytes]):
    """A call whose answer is the file itself."""

    @override
    def read(self, content: bytes) -> bytes:
        return content


class Attachments(Requests[M_co]):
    """Files of this institution's referrals."""

    @operation
    def upload(self, content: bytes, media_type: str) -> Plan[Upload]:
        """Uploads a file; its id goes into `attachments` of a referral within a day.

        Sending it again within a day gives the same upload.

        Args:
            content: The file; `read_file` reads one with its media type.
            media_type: PDF, JPEG, PNG, TIFF, WebP or HEIC.

        Raises:
            InvalidInputError: It is empty, blank or something else than its media type says.
        """
        target = path("attachments")
        call = Call("POST", target, TypeAdapter(Upload), content, content_type=media_type)
        return self._session.perform(call)

    @operation
    def get(self, upload_id: str) -> Plan[Upload]:
        """Whether an upload is still held.

        Raises:
            NotFoundError: Absent, forgotten, or not yours.
        """
        return self._get(Upload, "attachments", upload_id)

    @operation
    def download(self, referral_id: str, attachment: Attachment) -> Plan[Downloaded]:
        """A file of a referral.

        Args:
            referral_id: Of a referral that this institution sent or received.
            attachment: One of its `attachments`.

        Raises:
            RelevoProblemError: `attachment_not_here`: it has not arrived yet, or never will.
            NotFoundError: Absent, or not yours.
        """
        target = path("referrals", referral_id, "attachments", attachment.id)
        content = yield from self._session.perform(_FileCall("GET", target, TypeAdapter(bytes)))
        name = file_name(attachment.document, attachment.media_type)
        return Downloaded(name, attachment.media_type, content)


def read_file(file: Path) -> tuple[bytes, str]:
    """A file and its media type, by its ending.

    Raises:
        ValueError: Another ending.
        OSError: It cannot be read.
    """
    media_type = MEDIA_TYPES.get(file.suffix.lower())
    if media_type is None:
        raise ValueError(f"a file ends in one of: {', '.join(sorted(MEDIA_TYPES))}")
    return file.read_bytes(), media_type
