"""The base of all groups: how a method asks the node for one thing."""

import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

from .call import Call, body, path, with_query
from .plan import Driver, Group, M_co, Plan
from .session import Session

T = TypeVar("T")

Input = BaseModel | Mapping[str, Any]
"""A model of the contract, or the same as JSON would say it. The node checks both."""


class Requests(Group[M_co]):
    """Methods of one noun.

    All of them raise `RelevoProblemError` (or the subclass named in their docstring),
    `UnavailableError`, `CredentialsRefusedError` and `NotTheContractError`.
    """

    def __init__(self, driver: Driver, session: Session) -> None:
        super().__init__(driver)
        self._session = session

    def _get(
        self,
        answer: type[T],
        *segments: str,
        patience_seconds: float | None = None,
        **parameters: object,
    ) -> Plan[T]:
        target = with_query(path(*segments), parameters)
        call: Call[T] = Call("GET", target, TypeAdapter(answer))
        return self._session.perform(call, patience_seconds=patience_seconds)

    def _post(
        self, answer: type[T], *segments: str, value: Input | None = None, key: str | None = None
    ) -> Plan[T]:
        content = None if value is None else body(value)
        call: Call[T] = Call("POST", path(*segments), TypeAdapter(answer), content, key=key)
        return self._session.perform(call)


def new_key() -> str:
    """An idempotency key that nobody used before."""
    return str(uuid.uuid4())
