"""What a camera, a scanner or a program wrote into a file beside what it shows, taken out before it is sealed.

A photograph says where it was taken to within a few metres: where a shelter is, where somebody sleeps.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from relevo.contracts.attachment import UploadMetadata
from relevo.contracts.problem import ProblemError

from .pdf_metadata import clean_pdf
from .picture_metadata import clean_jpeg, clean_png, clean_webp
from .scan_metadata import UncleanableError, clean_heic, clean_tiff
from .tiff_layout import LayoutError

_PDF: Final = "application/pdf"
_CLEANERS: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "image/heic": clean_heic,
        "image/jpeg": clean_jpeg,
        "image/png": clean_png,
        "image/tiff": clean_tiff,
        "image/webp": clean_webp,
    }
)


def without_metadata(media_type: str, content: bytes) -> tuple[bytes, UploadMetadata]:
    """The file as it may leave, and what became of what was written into it.

    Raises:
        ProblemError: `attachment_unreadable`, or `attachment_not_cleaned` with advice.
    """
    signed = False
    try:
        if media_type == _PDF:
            made, signed = clean_pdf(content)
        else:
            made = _CLEANERS[media_type](content)
    except LayoutError:
        raise ProblemError("attachment_unreadable", media_type=media_type) from None
    except UncleanableError as error:
        instead = "PDF" if media_type == _PDF else "JPEG"
        raise ProblemError("attachment_not_cleaned", reason=str(error), instead=instead) from None
    if signed:
        return made, "kept"
    return made, "none" if made == content else "removed"
