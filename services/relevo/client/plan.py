"""What to do, apart from how to wait for it: the one core of the blocking and the asynchronous client.

A plan is a generator that yields steps and is sent their results. It does no I/O, so one plan serves
both clients; `blocking.py` and `waiting.py` carry steps out, and nothing else is written twice.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    overload,
)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")


@dataclass(frozen=True)
class Request:
    """One HTTP request. A header, a query or a body may be personal: never printed whole."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Response:
    """What came back, whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class LostError(Exception):
    """Thrown into a plan: no whole answer came.

    Attributes:
        may_have_arrived: Whether the request may have been carried out all the same.
        hopeless: Trying again cannot help (a certificate that nobody trusts).
    """

    def __init__(self, text: str, *, may_have_arrived: bool, hopeless: bool = False) -> None:
        self.may_have_arrived = may_have_arrived
        self.hopeless = hopeless
        super().__init__(text)


@dataclass(frozen=True)
class Exchange:
    """Send this; the result is a `Response`. Raises `LostError` inside the plan."""

    request: Request


@dataclass(frozen=True)
class Pause:
    """Wait. The result is None."""

    seconds: float


@dataclass(frozen=True)
class Alone:
    """Carry out another plan while nobody else of this client does; its result is the result."""

    plan: "Callable[[], Plan[Any]]"


@dataclass(frozen=True)
class Give(Generic[T_co]):
    """Hand an item to whoever iterates."""

    item: T_co


Step: TypeAlias = Exchange | Pause | Alone
Plan: TypeAlias = Generator[Step, Any, T]
Items: TypeAlias = Generator[Step | Give[T], Any, None]


class Running:
    """A plan on its way.

    Attributes:
        step: What to do now; None when the plan is done.
        result: What it came to.
    """

    def __init__(self, plan: Generator[Any, Any, Any]) -> None:
        self._plan = plan
        self.step: Step | Give[Any] | None = None
        self.result: Any = None
        self.go_on(None)

    def go_on(self, result: Any) -> None:
        """After a step that went well."""
        self._advance(lambda: self._plan.send(result))

    def fail(self, error: Exception) -> None:
        """After one that did not. What the plan does not handle is raised here."""
        self._advance(lambda: self._plan.throw(error))

    def close(self) -> None:
        """Whoever iterated wants no more."""
        self._plan.close()

    def _advance(self, step: Callable[[], Any]) -> None:
        try:
            self.step = step()
        except StopIteration as end:
            self.step, self.result = None, end.value


class Blocking:
    """Marks clients whose methods return when they are done."""


class Waiting:
    """Marks clients whose methods are awaited."""


M_co = TypeVar("M_co", bound=Blocking | Waiting, covariant=True)


class Driver(Protocol):
    """Carries plans out in one of the two ways."""

    def run(self, plan: Plan[Any]) -> Any: ...

    def iterate(self, plan: Items[Any]) -> Any: ...


class Group(Generic[M_co]):
    """Methods about one noun, of a client of either kind."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver


class operation(Generic[P, T]):  # noqa: N801 - used as a decorator
    """Makes a plan a method: it returns in a blocking client, and is awaited in the other."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[T]]) -> None:
        self._plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, instance: None, owner: object) -> Callable[Concatenate[Any, P], Plan[T]]: ...

    @overload
    def __get__(self, instance: Group[Blocking], owner: object) -> Callable[P, T]: ...

    @overload
    def __get__(
        self, instance: Group[Waiting], owner: object
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, instance: Group[Any] | None, owner: object) -> Any:
        return self._plan if instance is None else _method(instance, self._plan, "run")


class listing(Generic[P, T]):  # noqa: N801 - used as a decorator
    """Makes a plan that gives items an iterator, asynchronous in a client that is awaited."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Items[T]]) -> None:
        self._plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, instance: None, owner: object) -> Callable[Concatenate[Any, P], Items[T]]: ...

    @overload
    def __get__(self, instance: Group[Blocking], owner: object) -> Callable[P, Iterator[T]]: ...

    @overload
    def __get__(self, instance: Group[Waiting], owner: object) -> Callable[P, AsyncIterator[T]]: ...

    def __get__(self, instance: Group[Any] | None, owner: object) -> Any:
        return self._plan if instance is None else _method(instance, self._plan, "iterate")


def _method(
    group: Group[Any], plan: Callable[..., Any], way: Literal["run", "iterate"]
) -> Callable[..., Any]:
    carry_out = getattr(group._driver, way)  # noqa: SLF001 - the group's own

    def method(*args: Any, **kwargs: Any) -> Any:
        return carry_out(plan(group, *args, **kwargs))

    method.__name__, method.__doc__ = plan.__name__, plan.__doc__
    return method
