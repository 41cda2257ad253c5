"""What the parts of a pathway file owe to one another.

Works on the raw values, whatever their types, so that a checker can report everything at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from relevo.contracts.lifecycles.referral import STATES
from relevo.contracts.person import SECTIONS
from relevo.contracts.vocabularies.loader import code_list

Where = tuple[str | int, ...]
_LISTS: Final = (
    "sources", "countries", "profiles", "services", "receiver_mandates", "purposes", "lawful_bases", "outcomes",
)  # fmt: skip
ATTACHED: Final = ("photo",)
"""Categories that travel as attachments alone."""
_KEYED: Final = (("asks", "category"), ("stages", "id"), ("quiet_days", "after"))


@dataclass(frozen=True)
class Fault:
    """A broken rule and the value that breaks it.

    Attributes:
        known: Values that would have been right, for a suggestion.
    """

    where: Where
    message: str
    advice: str | None = None
    known: tuple[str, ...] = ()


def faults(raw: Mapping[str, Any]) -> list[Fault]:
    """Every rule between fields that a pathway breaks."""
    return [fault for rule in _RULES for fault in rule(raw)]


def _sealing(raw: Mapping[str, Any]) -> Iterator[Fault]:
    sealed = raw.get("sensitivity") == "sealed"
    if sealed and raw.get("routing_class") is None:
        yield Fault(
            ("sensitivity",),
            "a sealed pathway has a routing_class",
            'say what gateways may see, such as routing_class = "sealed-protection"',
        )
    if not sealed and raw.get("routing_class") is not None:
        yield Fault(
            ("routing_class",),
            "only a sealed pathway has a routing_class",
            'add sensitivity = "sealed", or leave it out',
        )


def _time(raw: Mapping[str, Any]) -> Iterator[Fault]:
    if raw.get("review_days") is not None and raw.get("triage_scheme") is not None:
        yield Fault(
            ("review_days",),
            "a pathway that is reviewed has no triage_scheme: no clock may end it",
            "leave one of the two out",
        )
    if raw.get("ladder") is not None and raw.get("triage_scheme") is None:
        yield Fault(
            ("ladder",), "without a triage_scheme no clock runs out, so nobody stands on a ladder"
        )


def _starting(raw: Mapping[str, Any]) -> Iterator[Fault]:
    starts = raw.get("starts")
    if not isinstance(starts, Mapping):
        return
    named = bool(starts.get("mandates")) or bool(starts.get("types"))
    if starts.get("anyone") is True:
        if not starts.get("why"):
            yield Fault(("starts", "anyone"), "that anyone may start it needs a `why`")
        if named:
            yield Fault(
                ("starts", "anyone"), "where anyone may start it, mandates and types say nothing"
            )
    elif not named:
        yield Fault(
            ("starts",),
            "nobody may start this pathway",
            "name mandates or types of senders, or say anyone = true and why",
        )


def _follow_up(raw: Mapping[str, Any]) -> Iterator[Fault]:
    plan = raw.get("follow_up")
    if not isinstance(plan, Mapping):
        return
    days = plan.get("days")
    if plan.get("allowed") is False:
        for key in ("days", "by"):
            if plan.get(key):
                yield Fault(("follow_up", key), "a route that allows no follow-up has no calendar")
    if plan.get("allowed") is True and raw.get("sensitivity") == "sealed" and not plan.get("why"):
        yield Fault(
            ("follow_up", "allowed"),
            "on a sealed route there is no follow-up without a `why`",
            "contact may endanger: say what makes it safe and wanted",
        )
    if isinstance(days, list):
        for position, (before, after) in enumerate(pairwise(days)):
            if isinstance(before, int) and isinstance(after, int) and after <= before:
                yield Fault(
                    ("follow_up", "days", position + 1), "days of follow-up rise from first to last"
                )


def _quiet(raw: Mapping[str, Any]) -> Iterator[Fault]:
    outcomes = tuple(code for code in _list(raw, "outcomes") if isinstance(code, str))
    known = (*outcomes, *STATES)
    for position, entry in _tables(raw, "quiet_days"):
        after = entry.get("after")
        if isinstance(after, str) and after not in known:
            yield Fault(
                ("quiet_days", position, "after"),
                f"`{after}` is neither an outcome of this pathway nor a state of a referral",
                known=known,
            )


def _services(raw: Mapping[str, Any]) -> Iterator[Fault]:
    services = tuple(code for code in _list(raw, "services") if isinstance(code, str))
    for position, stage in _tables(raw, "stages"):
        for number, service in enumerate(_list(stage, "services")):
            if isinstance(service, str) and service not in services:
                yield Fault(
                    ("stages", position, "services", number),
                    f"`{service}` is not among the services of this pathway",
                    "add it to services, or leave it out here",
                    known=services,
                )


def _asking(raw: Mapping[str, Any]) -> Iterator[Fault]:
    for position, asked in _tables(raw, "asks"):
        category = asked.get("category")
        if category in code_list("data_category") and category not in (*SECTIONS, *ATTACHED):
            yield Fault(
                ("asks", position, "category"),
                f"no record holds `{category}`, so no receiver can get it",
                known=tuple(SECTIONS),
            )
        if (
            category == "identity"
            and asked.get("required") is True
            and raw.get("anonymous") is True
        ):
            yield Fault(
                ("asks", position, "required"),
                "where a complaint may be anonymous, identity cannot be required",
            )


def _once(raw: Mapping[str, Any]) -> Iterator[Fault]:
    for key in _LISTS:
        yield from _repeated((key,), _list(raw, key), "stands here twice")
    for key, name in _KEYED:
        values = [(position, entry.get(name)) for position, entry in _tables(raw, key)]
        seen: set[str] = set()
        for position, value in values:
            if isinstance(value, str) and value in seen:
                yield Fault((key, position, name), f"`{value}` stands here twice")
            elif isinstance(value, str):
                seen.add(value)
    for table, keys in (("starts", ("mandates", "types")), ("follow_up", ("by",))):
        inner = raw.get(table)
        if isinstance(inner, Mapping):
            for key in keys:
                yield from _repeated((table, key), _list(inner, key), "stands here twice")


def _repeated(where: Where, values: list[Any], message: str) -> Iterator[Fault]:
    for position, value in enumerate(values):
        if isinstance(value, str) and value in values[:position]:
            yield Fault((*where, position), f"`{value}` {message}")


def _list(raw: Mapping[str, Any], key: str) -> list[Any]:
    value = raw.get(key)
    return value if isinstance(value, list) else []


def _tables(raw: Mapping[str, Any], key: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for position, entry in enumerate(_list(raw, key)):
        if isinstance(entry, Mapping):
            yield position, entry


_RULES: Final = (_sealing, _time, _starting, _follow_up, _quiet, _services, _asking, _once)
