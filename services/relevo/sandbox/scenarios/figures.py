"""What figures of a story show when its periods are over: nothing small, and nobody."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from relevo.contracts.pathways.loader import pathways
from relevo.contracts.statistics import MINIMUM, SEALED_MINIMUM
from relevo.contracts.statistics_periods import Period, period_at

from .expected import NotSoError
from .play import Stage
from .schema import Figures

_OF_NODES: Final = (
    "", "pathway", "outcome", "case_profile", "pathway,outcome", "pathway,case_profile",
)  # fmt: skip
_OF_GATEWAYS: Final = ("", "pathway", "state", "pathway,state", "pathway,state,clock")
_SETTLED: Final = timedelta(days=31)


def hold(stage: Stage, check: Figures) -> None:
    """Lets the quarters of the story end, and reads every table there is.

    Raises:
        NotSoError: One tells of somebody.
    """
    federation = stage.federation
    began, ended = stage.calendar.at("D0 00:00"), federation.clock.business()
    quarters = list(_quarters(began, ended))
    federation.move_to(quarters[-1].end + _SETTLED)
    if check.mesa is not None:
        federation.appoint(check.mesa, stage.scenario.file.pathways)
    for quarter in quarters:
        for whose, answer in _tables(stage, quarter):
            _judge(stage, check, whose, answer)
        for month in quarter.parts("month"):
            for whose, answer in _pages(stage, check, month):
                _judge(stage, check, whose, answer)


def _tables(stage: Stage, quarter: Period) -> Iterator[tuple[str, httpx.Response]]:
    federation = stage.federation
    for home in stage.scenario.institutions:
        if federation.host.is_running(home):
            system = federation.system(home)
            for by in _OF_NODES:
                asked = {"period": quarter.name, "by": by}
                yield home, system.call("GET", "/v1/statistics", params=asked)
    for gateway in federation.gateways:
        office = federation.office(gateway)
        for period in (quarter, *quarter.parts("month")):
            for by in _OF_GATEWAYS:
                asked = {"period": period.name, "by": by}
                yield gateway, office.call("GET", "/v1/statistics", params=asked)


def _pages(stage: Stage, check: Figures, month: Period) -> Iterator[tuple[str, httpx.Response]]:
    if check.mesa is None:
        return
    mesa = stage.federation.system(check.mesa)
    others = [one for one in stage.scenario.institutions if one != check.mesa]
    for name in stage.scenario.file.pathways:
        path, asked = f"/v1/coordination/{name}", {"period": month.name}
        if pathways()[name].sensitivity == "sealed":
            # Of these there are quarters alone.
            asked = {"period": f"{month.year}-Q{(month.first_month + 2) // 3}"}
        yield check.mesa, mesa.call("GET", path, params=asked)
        refused = stage.federation.system(others[0]).call("GET", path, params=asked)
        if refused.status_code != httpx.codes.NOT_FOUND:
            raise NotSoError(f"{others[0]} watches {name} without having been appointed", "mesa")


def _judge(stage: Stage, check: Figures, whose: str, answer: httpx.Response) -> None:
    stage.hear(whose, answer)
    if not answer.is_success:
        raise NotSoError(f"{whose} has no figures: {answer.status_code} {answer.text}", "that")
    told = [
        str(thing.answer[key])
        for thing in stage.saved.values()
        for key in ("id", "reference_code")
        if isinstance(thing.answer, dict) and key in thing.answer
    ]
    for word in (*told, *check.lack):
        if word in answer.text:
            raise NotSoError(f"the figures of {whose} show {word}", "lack")
    for size, sealed in _sizes(json.loads(answer.text)):
        if size < (SEALED_MINIMUM if sealed else MINIMUM):
            raise NotSoError(f"the figures of {whose} have a group of {size}", "that")


def _sizes(found: Any, *, sealed: bool = False) -> Iterator[tuple[int, bool]]:
    """Every count in an answer, and whether it is of sealed routes."""
    if isinstance(found, Mapping):
        sealed = sealed or found.get("pathway") in _classes()
        if "count" in found:
            yield int(found["count"]), sealed
        found = list(found.values())
    if isinstance(found, list):
        for inner in found:
            yield from _sizes(inner, sealed=sealed)


def _classes() -> set[str]:
    return {one.public_name for one in pathways().values() if one.sensitivity == "sealed"}


def _quarters(began: datetime, ended: datetime) -> Iterator[Period]:
    quarter = period_at(began, "quarter")
    yield quarter
    while quarter.end <= ended:
        quarter = period_at(quarter.end, "quarter")
        yield quarter
