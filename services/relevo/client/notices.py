"""The register of notices that are read before somebody consents."""

from datetime import UTC, datetime

from relevo.contracts.notices import NoticeList, NoticeRecall, RegisteredNotice

from .plan import M_co, Plan, operation
from .requests import Input, Requests


class Notices(Requests[M_co]):
    """Every version of the institution's notices, by language and digest."""

    @operation
    def register(self, notice: Input) -> Plan[RegisteredNotice]:
        """Registers a version in one language. The version before counts for thirty days more.

        The same again changes nothing.

        Args:
            notice: A `NoticeVersion`, with the SHA-256 of what is read or printed.

        Raises:
            InvalidInputError: Something does not fit the contract.
            RelevoProblemError: `notice_unknown`: that version stands there with another digest.
        """
        return self._post(RegisteredNotice, "notices", value=notice)

    @operation
    def recall(
        self,
        notice_id: str,
        version: str,
        *,
        language: str | None = None,
        recalled_at: datetime | None = None,
    ) -> Plan[list[RegisteredNotice]]:
        """Ends a version at once: from then on no consent counts that was given after reading it.

        Args:
            notice_id: The notice's own name.
            version: The version that is wrong.
            language: In this language alone, such as `es`; in every one unless given.
            recalled_at: With a time zone; now unless given.

        Returns:
            Every version of that notice.

        Raises:
            NotFoundError: There is no such version.
        """
        wrong = NoticeRecall(
            id=notice_id,
            version=version,
            language=language,
            recalled_at=recalled_at or datetime.now(UTC),
        )
        found = yield from self._post(NoticeList, "notices", "recall", value=wrong)
        return found.notices

    @operation
    def newest(self) -> Plan[list[RegisteredNotice]]:
        """The register, the newest first, at most 1000."""
        found = yield from self._get(NoticeList, "notices")
        return found.notices
