"""Who read which record when."""

from relevo.contracts.break_glass import AccessEntry, AccessLogPage

from .plan import Give, Items, M_co, listing
from .requests import Requests


class AccessLog(Requests[M_co]):
    """Each read of a record, noted before it was answered."""

    @listing
    def find(self, *, subject: str | None = None) -> Items[AccessEntry]:
        """Reads of one's own records, newest first; pages are read as they are needed.

        Args:
            subject: Id of one record, to see its reads alone.
        """
        cursor = None
        while True:
            page = yield from self._get(AccessLogPage, "access-log", subject=subject, cursor=cursor)
            for entry in page.entries:
                yield Give(entry)
            cursor = page.next_cursor
            if cursor is None:
                return
