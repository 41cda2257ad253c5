"""The whole way: node A, two gateways, node B, and back to A that B received it."""

import json
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from relevo.sandbox import cast
from relevo.sandbox.network import Network
from relevo.sandbox.places import DatabaseUrls
from relevo.sandbox.systems import LocalSystem
from relevo.servicekit import jose
from relevo.servicekit.padding import pad

from . import records
from .databases import a_folder, a_postgresql
from .http_load import drive, request
from .measure import OURS, Contestants, Figures, Plan, Row, Target
from .processor_time import with_processor_time

_FLOOR: Final = "cryptography alone, one core"
_BATCH: Final = 100
_PACE: Final = 20
_LOOK_SECONDS: Final = 0.01
"""Between two looks at the feed: a client that never rests would measure itself."""
_PATIENCE_SECONDS: Final = 120


class LostError(RuntimeError):
    """Not every referral arrived, or one arrived twice."""


@dataclass
class _Feed:
    """An institution's event feed, read on from where it was read before."""

    system: LocalSystem
    position: int = 0
    seen: dict[str, list[tuple[str, float]]] = field(default_factory=dict)

    def read(self) -> None:
        while True:
            page = self.system.get("/v1/events", after=self.position, limit=200)
            if not page["events"]:
                return
            self.position = page["next_after"]
            now = time.perf_counter()
            for event in page["events"]:
                self.seen.setdefault(event["subject"], []).append((event["type"], now))

    def when(self, referral_id: str, kind: str) -> list[float]:
        return [at for what, at in self.seen.get(referral_id, []) if what == f"org.relevo.{kind}"]


class _Federation:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.sender = _Feed(network.system(cast.SHELTER.id))
        self.receiver = _Feed(network.system(cast.INSTITUTE.id))
        consent = self.sender.system.post("/v1/consents", records.a_consent())
        self._submission = records.a_submission(str(consent["id"]))

    @property
    def process_ids(self) -> list[int]:
        return [self.network.processes.process_id(place.name) for place in self.network.places]

    def burst(self, many: int) -> Figures:
        """Submits so many in bulk and waits until A knows of each that B received it."""

        def turn() -> Figures:
            began = time.perf_counter()
            ids = self._submit(many)
            self._wait(ids)
            taken = time.perf_counter() - began
            return {"rate": many / taken, "seconds": taken}

        figures = with_processor_time(self.process_ids, turn)
        self.receiver.read()
        return figures

    def paced(self, seconds: float) -> Figures:
        """Submits at a steady pace; how long each took from submission to known as received."""
        sent: dict[str, float] = {}
        began = time.perf_counter()
        while (now := time.perf_counter()) < began + seconds:
            if len(sent) < (now - began) * _PACE:
                referral = self.sender.system.post("/v1/referrals", self._submission)
                sent[str(referral["id"])] = now
            self.sender.read()
            time.sleep(_LOOK_SECONDS)
        self._wait(list(sent))
        waits = sorted(
            1000 * (self.sender.when(referral, "referral.state_changed")[0] - at)
            for referral, at in sent.items()
        )
        return {
            "paced_p50_ms": statistics.median(waits),
            "paced_p99_ms": waits[min(len(waits) - 1, int(len(waits) * 0.99))],
        }

    def _submit(self, many: int) -> list[str]:
        system = self.sender.system
        head = {"authorization": f"Bearer {system.token()}"}
        keys = [str(uuid.uuid4()) for _ in range(many)]
        bulks = []
        for start in range(0, many, _BATCH):
            items = [
                {"key": key, "referral": self._submission} for key in keys[start : start + _BATCH]
            ]
            body = json.dumps({"items": items}).encode()
            bulks.append(request("POST", "/v1/referrals/bulk", body, head))
        known = len(self.sender.seen)
        port = self.network.nodes[cast.SHELTER.id].port
        drive(port, bulks, connections=1, seconds=_PATIENCE_SECONDS)
        self.sender.read()
        ids = list(self.sender.seen)[known:]
        if len(ids) != many:
            raise LostError(f"{many} were submitted and {len(ids)} are on the feed")
        return ids

    def _wait(self, ids: list[str]) -> None:
        until = time.perf_counter() + _PATIENCE_SECONDS
        while True:
            self.sender.read()
            told = [len(self.sender.when(i, "referral.state_changed")) for i in ids]
            if all(count == 1 for count in told):
                break
            if max(told) > 1 or time.perf_counter() > until:
                raise LostError(f"of {len(ids)}, {told.count(0)} are missing, {max(told)} is most")
            time.sleep(5 * _LOOK_SECONDS)
        self.receiver.read()
        received = [len(self.receiver.when(i, "referral.received")) for i in ids]
        if set(received) != {1}:
            raise LostError(f"received {min(received)} to {max(received)} times")


def _floor(seconds: float) -> Figures:
    """Signing, sealing, opening and verifying of one referral and its `received`, nothing else."""
    signing, encryption = jose.generate_signing_key(), jose.generate_encryption_key()
    public = jose.import_public_key(jose.public_jwk(encryption))
    verifying = [jose.import_public_key(jose.public_jwk(signing))]
    done, began, worked = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() < began + seconds:
        slices = [jose.sign({"a": "x" * 700}, signing, typ="s") for _ in range(2)]
        for size, grants in ((3000, slices), (900, [])):
            sealed = jose.seal(pad(b"x" * size), public, apu="mx.a", apv="gt.b")
            envelope = jose.sign({"content": sealed, "grants": grants}, signing, typ="e")
            for _hop in range(3):
                jose.verify(envelope, verifying, typ="e")
                for grant in grants:
                    jose.verify(grant, verifying, typ="s")
            jose.open_sealed(sealed, [encryption])
        done += 1
    taken = time.perf_counter() - began
    cpu_us = 1e6 * (time.process_time() - worked) / done
    return {"rate": done / taken, "seconds": taken, "cpu_us": cpu_us}


@contextmanager
def _federation(databases: DatabaseUrls | None = None) -> Iterator[_Federation]:
    # Without its weak link: that one runs in the load generator's process.
    shelter = replace(cast.SHELTER, has_weak_link=False)
    with (
        a_folder() as folder,
        Network(folder, databases=databases, institutions=(shelter, cast.INSTITUTE)) as network,
    ):
        network.set_up()
        network.start()
        yield _Federation(network)


def _contestants(federation: _Federation, plan: Plan) -> Contestants:
    many = _BATCH * max(1, round(plan.seconds))
    return {
        OURS: lambda: {**federation.burst(many), **federation.paced(plan.seconds)},
        _FLOOR: lambda: _floor(min(plan.seconds, 2)),
    }


@contextmanager
def _on_sqlite(plan: Plan) -> Iterator[Contestants]:
    with _federation() as federation:
        yield _contestants(federation, plan)


@contextmanager
def _on_postgresql(plan: Plan) -> Iterator[Contestants]:
    with a_postgresql() as (_, databases), _federation(databases) as federation:
        yield _contestants(federation, plan)


_TARGETS = (
    Target(200, 500),
    Target(150, 75, figure="paced_p50_ms", at_most=True, unit=" ms"),
)

ROWS = (
    Row(
        "end-to-end-sqlite",
        "node A, two gateways, node B, known at A; a process each, SQLite FULL",
        _TARGETS,
        _on_sqlite,
    ),
    Row(
        "end-to-end-postgresql",
        "node A, two gateways, node B, known at A; a process each, durable PostgreSQL",
        _TARGETS,
        _on_postgresql,
    ),
)
