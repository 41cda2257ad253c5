"""The base of every model of the contract, and the types that several of them share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)


class ContractModel(BaseModel):
    """Unknown fields are refused, so that nothing travels that nobody declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


Flag = Annotated[bool, Field(strict=True)]
"""`true` or `false`; "no", 0 and 1 are refused rather than guessed at."""
Whole = Annotated[int, Field(strict=True)]
"""A JSON number without a fraction; "3" and `true` are refused."""
EventNumber = Annotated[Whole, Field(ge=0, le=1_000_000)]
"""Position in a referral's history."""

_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def _written_out(moment: object) -> object:
    if isinstance(moment, datetime) or (
        isinstance(moment, str) and _RFC_3339.fullmatch(moment.strip())
    ):
        return moment
    raise ValueError("a time as RFC 3339 writes it, with seconds and an offset")


def _in_range(moment: datetime) -> datetime:
    if not 1900 <= moment.year <= 2200:
        raise ValueError("a time between 1900 and 2200")
    return moment.astimezone(UTC)


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_written_out),
    AfterValidator(_in_range),
    PlainSerializer(
        lambda moment: moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        return_type=str,
        when_used="json",
    ),
]
"""A moment, RFC 3339 with an offset; sent in UTC."""

ShortText = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""One line of at most 200 characters."""
LongText = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=4000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$"
    ),
]
"""Some paragraphs, at most 4,000 characters."""
