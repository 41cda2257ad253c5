"""Where a page ended, as the next request says it."""

import base64
import binascii
from datetime import UTC, datetime
from uuid import UUID

from relevo.contracts.problem import FieldError, ProblemError


def to_cursor(at: datetime, record_id: str) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {record_id}".encode()).decode()


def from_cursor(cursor: str) -> tuple[datetime, str]:
    """What `to_cursor` was given.

    Raises:
        ProblemError: `invalid_input`, the cursor is none of ours.
    """
    try:
        at, _, record_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        moment, record_id = datetime.fromisoformat(at).astimezone(UTC), str(UUID(record_id))
    except (ValueError, OverflowError, binascii.Error) as error:
        raise ProblemError(
            "invalid_input",
            errors=[FieldError(pointer="", detail="cursor: use the one that the page before gave")],
        ) from error
    return moment, record_id
