"""The register of an institution's notices, and whether the paper that was read still counts.

A new version leaves the old paper thirty days: a shelter without a printer may go on asking. A notice
that is recalled was wrong, and counts for nobody from that moment (domain rule 16).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from .consent import ConsentInput
from .interpreter import LanguageTag
from .model import ContractModel, Moment, ShortText
from .problem import ProblemError

GRACE: Final = timedelta(days=30)

Standing = Literal["current", "in_grace", "unregistered"]


class NoticeVersion(ContractModel):
    """One version of a notice in one language, as it was printed or recorded."""

    id: ShortText
    version: ShortText
    language: LanguageTag
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    published_at: Moment


class RegisteredNotice(NoticeVersion):
    """A version and whether it was recalled."""

    recalled_at: Moment | None = None


class NoticeRecall(ContractModel):
    """A version that counts no longer; in every language when none is named."""

    id: ShortText
    version: ShortText
    language: LanguageTag | None = None
    recalled_at: Moment


class NoticeList(ContractModel):
    """Every version, newest first."""

    notices: list[RegisteredNotice] = Field(max_length=1000)


def standing_of(given: ConsentInput, registered: Sequence[RegisteredNotice]) -> Standing:
    """How the notice of a consent stands in the register.

    A notice whose id the register does not know in any version is not checked.

    Raises:
        ProblemError: `notice_unknown`, `notice_recalled` or `notice_outdated`.
    """
    notice = given.notice
    same = [one for one in registered if one.id == notice.id and one.language == notice.language]
    if not any(one.id == notice.id for one in registered):
        return "unregistered"
    read = next((one for one in same if one.version == notice.version), None)
    if read is None or (notice.sha256 is not None and notice.sha256 != read.sha256):
        raise ProblemError("notice_unknown")
    valid = [one for one in same if one.recalled_at is None]
    newest = max(valid, key=lambda one: one.published_at, default=None)
    if read.recalled_at is not None:
        raise ProblemError("notice_recalled", current="-" if newest is None else newest.version)
    newer = [one for one in valid if read.published_at < one.published_at <= given.given_at]
    if not newer:
        return "current"
    first = min(newer, key=lambda one: one.published_at)
    if given.given_at >= first.published_at + GRACE:
        current = max(newer, key=lambda one: one.published_at)
        raise ProblemError(
            "notice_outdated",
            current=current.version,
            published_at=current.published_at.date().isoformat(),
        )
    return "in_grace"


def check_asked(given: ConsentInput, *, enforcing: Sequence[str]) -> None:
    """Whether she was asked where and how one may ask (domain rule 14).

    Args:
        given: The consent.
        enforcing: Units of the recording institution that detain or return people.

    Raises:
        ProblemError: `consent_asked_in_queue` or `notice_not_given`.
    """
    if given.asked is not None and given.asked.place == "in_queue":
        raise ProblemError("consent_asked_in_queue")
    told = given.notice.before_statements
    if told is not None and told.told_at > given.given_at:
        raise ProblemError("notice_not_given", also_enforces=list(enforcing))
    if set(enforcing) - set(() if told is None else told.also_enforces):
        raise ProblemError("notice_not_given", also_enforces=list(enforcing))
