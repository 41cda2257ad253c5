"""How well and how fast records of one person are found among twenty thousand.

`matching`: by the comparison alone. `candidates`: by a node, through its blind index, each look noted.
"""

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import httpx

from relevo.node.storage import returnees
from relevo.node.storage.returnees import Step, StoredReturnee
from relevo.servicekit.ids import new_id
from tests.node.conftest import members
from tests.support.institutions import INSTITUTE, RECEPTION
from tests.support.likenesses import Country, LookUp, a_country, quality
from tests.support.nodes import Member

from .databases import a_folder
from .http_load import WrongAnswerError
from .measure import OURS, Contestants, Plan, Row, Target

_PEOPLE: Final = 20_000
_QUICK: Final = 2
"""In a run of so few rounds every tenth is looked up, among all."""
_EVERY: Final = 10
_AT_ONCE: Final = 500


@contextmanager
def _matching(plan: Plan) -> Iterator[Contestants]:
    country = a_country(_PEOPLE)
    began = time.perf_counter()
    found = quality(country, every=_EVERY if plan.rounds <= _QUICK else 1)
    whole = {
        "seconds": time.perf_counter() - began,
        "precision": 100 * found.precision,
        "likely": 100 * found.precision_likely,
        "recall": 100 * found.recall,
        "twins_as_one": found.twins_likely,
        "opened": found.opened,
    }
    look_up = LookUp(country.records)
    places = itertools.cycle(range(0, len(country.records), 7))
    yield {OURS: lambda: {**whole, "rate": _rate(look_up, places, plan.seconds)}}


def _rate(look_up: LookUp, places: Iterator[int], seconds: float) -> float:
    began = time.perf_counter()
    done = 0
    while time.perf_counter() - began < seconds:
        look_up.compared(next(places))
        done += 1
    return done / (time.perf_counter() - began)


@contextmanager
def _candidates(plan: Plan) -> Iterator[Contestants]:
    with a_folder() as folder, members("sqlite", folder, INSTITUTE) as network:
        reception = network.members[INSTITUTE]
        began = time.perf_counter()
        ids = _stored(reception, a_country(_PEOPLE))
        stored = len(ids) / (time.perf_counter() - began)
        asked = itertools.cycle(ids[::7])
        yield {
            OURS: lambda: {"stored": stored} | asyncio.run(_asked(reception, asked, plan.seconds))
        }


def _stored(reception: Member, country: Country) -> list[str]:
    """Enters everybody, sealed and indexed, five hundred in a transaction; their ids."""
    node, now = reception.node, reception.node.clock.business()
    ids: list[str] = []
    for start in range(0, len(country.details), _AT_ONCE):
        block = country.details[start : start + _AT_ONCE]
        records = [
            _record(key, details, now)
            for key, details in zip(node.vault.new_keys(len(block)), block, strict=True)
        ]
        first = Step(0, "received", now)
        new = [returnees.seal(node.vault, record, [first], [], now=now) for record in records]
        node.database.write_now(returnees.add, new)
        ids += [one.record["id"] for one in new]
    return ids


def _record(data_key_id: str, details: dict[str, Any], now: datetime) -> StoredReturnee:
    return StoredReturnee(
        id=new_id(),
        owner=RECEPTION,
        state="received",
        next_seq=1,
        manifest_id=None,
        row_key=None,
        row_digest=None,
        seen_version=None,
        merged_into=None,
        created_at=now,
        updated_at=now,
        data_key_id=data_key_id,
        body={"details": details},
    )


async def _asked(reception: Member, ids: Iterator[str], seconds: float) -> dict[str, float]:
    took: list[float] = []
    async with reception.http(unit=RECEPTION) as http:
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            answer = await http.get(f"/v1/returnees/{next(ids)}/candidates")
            if answer.status_code != httpx.codes.OK:
                raise WrongAnswerError(answer.text)
            took.append(1000 * (time.perf_counter() - began))
    return {"rate": len(took) / seconds, "p50_ms": statistics.median(took)}


ROWS = (
    Row(
        "matching",
        "one of 20,000 synthetic people looked up among the others, at most 200 opened",
        (
            Target(95, 98, figure="recall", unit=" %"),
            Target(75, 85, figure="precision", unit=" %"),
            Target(99, 100, figure="likely", unit=" %"),
            Target(0, 0, figure="twins_as_one", at_most=True, unit=""),
            Target(100, 500),
        ),
        _matching,
    ),
    Row(
        "candidates",
        "GET /v1/returnees/{id}/candidates, 20,000 records in SQLite, one caller",
        (
            Target(15, 30),
            Target(500, 1500, figure="stored"),
        ),
        _candidates,
    ),
)
