"""The forms in which a list of returnees may come."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from relevo.contracts.manifest.door import RawList, UnreadableListError
from relevo.contracts.manifest.text_lines import read_csv, read_json_lines
from relevo.contracts.problem import ProblemError

from .workbook import read_workbook

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS: Final[Mapping[str, Callable[[bytes], RawList]]] = MappingProxyType(
    {"text/csv": read_csv, "application/x-ndjson": read_json_lines, XLSX: read_workbook}
)
"""Media type to its reader."""

MAX_BYTES: Final = 16 * 1024 * 1024


def read_file(media_type: str, body: bytes) -> RawList:
    """The rows of a file, without what stays outside.

    Raises:
        ProblemError: `unsupported_media_type`, or `manifest_unreadable` with its fault.
    """
    reader = FORMS.get(media_type)
    if reader is None:
        raise ProblemError("unsupported_media_type", expected=" or ".join(FORMS))
    try:
        return reader(body)
    except UnreadableListError as error:
        raise ProblemError("manifest_unreadable", fault=error.fault) from None
