"""Lists of people who return, posted whole; each row is answered on its own."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import TypeAdapter

from relevo.contracts.returnee import Manifest, RowAnswer, RowResult

from .answers import ManifestPage, RowPage
from .call import Call, path, with_query
from .exceptions import UnavailableError
from .plan import Give, Items, M_co, Pause, Plan, listing, operation
from .requests import Requests

OnProgress = Callable[[Manifest], None]
"""Told how far a list has been read: `rows_read` of `rows_total`."""

MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
STALLED_SECONDS: Final = 120
_PAGE: Final = 500


class Manifests(Requests[M_co]):
    """Lists of flights and buses."""

    @operation
    def post(
        self,
        content: bytes,
        media_type: str,
        *,
        reference: str,
        destination: str | None = None,
        return_type: str | None = None,
        return_mode: str | None = None,
        expected_at: datetime | None = None,
        point_of_entry: str | None = None,
        date_order: Literal["day_first", "month_first"] | None = None,
        on_progress: OnProgress | None = None,
        every_seconds: float = 1.0,
    ) -> Plan[Manifest]:
        """Posts a list and waits until every row is answered.

        Good rows are kept whatever the others are; `rows` tells what became of each. Posting the same
        list under the same reference again changes nothing, so whoever was interrupted posts it again.

        Args:
            content: The file, at most 16 MiB; `read_list` reads one with its media type.
            media_type: `text/csv`, `application/x-ndjson` or that of .xlsx workbooks.
            reference: The list's own name, such as flight and date. Never a person's.
            destination: Country of arrival, ISO 3166-1 alpha-2; the node's own unless given.
            return_type: Code of the list `return_type`, for every row that has none.
            return_mode: Code of the list `return_mode`, for every row.
            expected_at: When they are expected, with a time zone.
            point_of_entry: Where they are expected.
            date_order: How 03/04/1990 is meant; lists from the United States are `month_first`.
            on_progress: Told after each look at how far it is.
            every_seconds: How often to look.

        Raises:
            InvalidInputError: The file cannot be read as a list at all, or a parameter is wrong.
            UnavailableError: The node has the list, and has not read on for two minutes.
        """
        target = with_query(
            path("manifests"),
            {
                "reference": reference,
                "destination": destination,
                "return_type": return_type,
                "return_mode": return_mode,
                "expected_at": None if expected_at is None else _rfc_3339(expected_at),
                "point_of_entry": point_of_entry,
                "date_order": date_order,
            },
        )
        call = Call("POST", target, TypeAdapter(Manifest), content, content_type=media_type)
        manifest = yield from self._session.perform(call)
        read, since = manifest.rows_read, self._session.clock()
        while True:
            if on_progress is not None:
                on_progress(manifest)
            if manifest.state == "done":
                return manifest
            if manifest.rows_read > read:
                read, since = manifest.rows_read, self._session.clock()
            elif self._session.clock() - since > STALLED_SECONDS:
                raise UnavailableError(
                    f"The node has the list, and has read {read} of {manifest.rows_total} rows of it. "
                    "It will go on by itself."
                )
            yield Pause(every_seconds)
            manifest = yield from self._get(Manifest, "manifests", manifest.id)

    @operation
    def get(self, manifest_id: str) -> Plan[Manifest]:
        """How far a list is.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(Manifest, "manifests", manifest_id)

    @listing
    def find(self) -> Items[Manifest]:
        """The lists, newest first; pages are read as they are needed."""
        cursor = None
        while True:
            page = yield from self._get(ManifestPage, "manifests", cursor=cursor)
            for manifest in page.manifests:
                yield Give(manifest)
            cursor = page.next_cursor
            if cursor is None:
                return

    @listing
    def rows(self, manifest_id: str, *, result: RowResult | None = None) -> Items[RowAnswer]:
        """What became of each row, in their order, with advice that never repeats a value.

        Args:
            manifest_id: Of a list of this institution.
            result: Only rows with this result; `refused` gives those to mend.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        cursor: int | None = None
        while True:
            page = yield from self._get(
                RowPage, "manifests", manifest_id, "rows", result=result, cursor=cursor, limit=_PAGE
            )
            for row in page.rows:
                yield Give(row)
            cursor = page.next_cursor
            if cursor is None:
                return


def read_list(file: Path) -> tuple[bytes, str]:
    """A file and its media type, by its ending: .csv, .ndjson, .jsonl or .xlsx.

    Raises:
        ValueError: Another ending.
        OSError: It cannot be read.
    """
    media_type = MEDIA_TYPES.get(file.suffix.lower())
    if media_type is None:
        raise ValueError(f"a list ends in one of: {', '.join(sorted(MEDIA_TYPES))}")
    return file.read_bytes(), media_type


def _rfc_3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
