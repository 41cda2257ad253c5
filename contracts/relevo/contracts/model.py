"""The base of every model of the contract, and the types that several of them share."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)


class ContractModel(BaseModel):
    """Unknown fields are refused, so that nothing travels that nobody declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def _in_range(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    if not 1900 <= moment.year <= 2200:
        raise ValueError("a time between 1900 and 2200")
    return moment


Moment = Annotated[
    AwareDatetime,
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
