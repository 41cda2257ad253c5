"""What is asked of a node, and how its answer is read. Pure: nothing is sent from here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, TypeAdapter, ValidationError

from .exceptions import NotTheContractError

T = TypeVar("T")

Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request to the node's API.

    Attributes:
        target: Path with query.
        content: The body, the same bytes each time that it is sent.
        key: Its Idempotency-Key, the same each time.
        repeatable: Whether it may be sent again when it is not known whether it arrived.
    """

    method: Method
    target: str = field(repr=False)
    answer: TypeAdapter[T]
    content: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    key: str | None = None
    repeatable: bool = True

    def read(self, content: bytes) -> T:
        """The answer. Members that this client does not know yet are passed over.

        Raises:
            NotTheContractError: It is none of the contract.
        """
        try:
            return self.answer.validate_json(content or b"null", extra="ignore")
        except ValidationError as error:
            places = {
                "/".join(str(part) for part in item["loc"]) or "all of it"
                for item in error.errors(include_input=False, include_url=False)
            }
            raise NotTheContractError(
                f"The node's answer does not fit the contract: {', '.join(sorted(places))}."
            ) from None


def path(*segments: str) -> str:
    """A path of the API out of its segments.

    Raises:
        ValueError: One is empty.
    """
    if not all(segments):
        raise ValueError("an id is empty")
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def with_query(target: str, parameters: Mapping[str, object]) -> str:
    """The path with those parameters that are not None."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{target}?{urlencode(given)}" if given else target


def body(value: BaseModel | Mapping[str, Any]) -> bytes:
    """JSON. Equal values give equal bytes, so that a key that is used again fits its request."""
    plain = (
        value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value
    )
    text = json.dumps(
        plain, separators=(",", ":"), ensure_ascii=False, sort_keys=True, allow_nan=False
    )
    return text.encode()
