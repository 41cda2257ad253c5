"""What consent, pathway and sender do not all let through leaves in no message, log, error or address.

Every text of every record holds a mark of its own. Whatever people then do, rightly or wrongly, all that
passed between services, all that is stored, logged and answered is searched for marks: tokens within
tokens, and what the receivers can decrypt.
"""

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from hypothesis import Phase, find, settings
from hypothesis import strategies as st

from relevo.contracts.consent import ConsentInput
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.person import SECTIONS, Person
from relevo.node.operations.open_envelope import parse
from relevo.servicekit import jose
from relevo.servicekit.logging import configure_logging
from tests.support.blobs import a_large_file
from tests.support.follow_ups import REPORT
from tests.support.institutions import CONSULATE, INSTITUTE, SHELTER
from tests.support.marked_records import (
    Marks,
    a_marked_consent,
    a_marked_person,
    free_texts,
    marked_places,
    wrong_submissions,
)
from tests.support.node_requests import COMPLETION, a_key, a_submission
from tests.support.nodes import Member
from tests.support.wire import Wired, kept_in, unwrapped, wired

pytestmark = pytest.mark.asyncio

ROUTE: Final = pathways()["gt-retorno-al-hogar"]
WANTED: Final = sorted(ROUTE.wanted)
OPEN: Final = sorted(set(SECTIONS) - {"legal_case"})
"""What anybody may be asked to share."""


@dataclass
class Told:
    """Everything that one institution's systems were answered."""

    fine: list[bytes] = field(default_factory=list)
    refusals: list[bytes] = field(default_factory=list)
    feeds: list[bytes] = field(default_factory=list)


@dataclass
class Watched:
    """A federation, the marks in it, and what everybody heard."""

    wired: Wired
    log: io.StringIO
    folder: Path
    marks: Marks = field(default_factory=Marks)
    told: dict[str, Told] = field(default_factory=dict)

    def __getitem__(self, institution: str) -> Member:
        return self.wired.members[institution]

    async def ask(
        self, institution: str, method: str, path: str, body: Any = None, **options: Any
    ) -> httpx.Response:
        told = self.told.setdefault(institution, Told())
        async with self[institution].http() as http:
            if body is not None:
                options["json"] = body
            headers = a_key() | options.pop("headers", {})
            answer = await http.request(method, path, headers=headers, **options)
        whole = b"\n".join([*(v for pair in answer.headers.raw for v in pair), answer.content])
        kept = told.fine if answer.is_success else told.refusals
        (told.feeds if path.startswith("/v1/events") else kept).append(whole)
        return answer

    async def done(self, institution: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = await self.ask(institution, "POST", path, body, **options)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the processes write, as their operators read it, at the most talkative."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logging("all of them", "DEBUG")
    return written


# -- what people do, rightly and wrongly --------------------------------------------------------------


async def refused(watched: Watched, consent: str, share: list[str]) -> None:
    marks = watched.marks
    for body in wrong_submissions(marks, consent, share):
        answer = await watched.ask(SHELTER, "POST", "/v1/referrals", body)
        assert 400 <= answer.status_code < 500, (body, answer.text)
    lost = json.dumps(a_marked_person(marks, None))
    for content, kind in (
        (f'{{"persons": [{lost}], "persons": [', "application/json"),
        (f'{{"a": 1, "a": {lost}}}', "application/json"),
        ("[" * 60 + lost, "application/json"),
        (lost, "text/plain"),
        (lost.encode().replace(b"zq", b"\xff zq", 1), "application/json"),
        (lost + " " * 2_000_000, "application/json"),
    ):
        options: dict[str, Any] = {"content": content, "headers": {"content-type": kind}}
        answer = await watched.ask(SHELTER, "POST", "/v1/referrals", **options)
        assert 400 <= answer.status_code < 500, answer.text
    for path in (
        f"/v1/referrals/{marks.new('in a path')}",
        f"/v1/{marks.new('in a path')}?{marks.new('key')}={marks.new('value')}",
        f"/v1/referrals?state={marks.new('query')}&cursor={marks.new('cursor')}",
        f"/v1/events?after={marks.new('after')}",
        f"/v1/statistics?period={marks.new('period')}&by={marks.new('by')}",
    ):
        for institution in (SHELTER, INSTITUTE):
            assert not (await watched.ask(institution, "GET", path)).is_success
    await watched.ask(
        SHELTER,
        "POST",
        "/v1/consents",
        a_marked_consent(marks) | {"method": marks.new("method"), "purposes": [marks.new("p")]},
    )


async def sent(watched: Watched, consent: str, share: list[str], *, with_file: bool) -> str:
    marks = watched.marks
    body = a_submission(consent, persons=[a_marked_person(marks, set(share))], share=share)
    body["local_reference"] = marks.new("local reference", SHELTER)
    if with_file:
        readers = [SHELTER, *([INSTITUTE] * ("identity_document" in share))]
        mark = marks.new("file", *readers).encode()
        content = a_large_file(4000).replace(b"stream\n", b"stream\n" + mark * 8, 1)
        headers = {"content-type": "application/pdf"}
        upload = await watched.done(SHELTER, "/v1/attachments", content=content, headers=headers)
        file = {"upload": upload["id"], "person_id": "T-1", "document": "birth_certificate"}
        with_it = body | {"attachments": [file]}
        if "identity_document" in share:
            body = with_it
        else:
            answer = await watched.ask(SHELTER, "POST", "/v1/referrals", with_it)
            assert answer.status_code == 422, answer.text
    referral = str((await watched.done(SHELTER, "/v1/referrals", body))["id"])
    await watched.wired.settle()
    return referral


async def answered(watched: Watched, referral: str, share: list[str]) -> None:
    """The institute does everything that it can do wrong, and then what it should."""
    marks, path = watched.marks, f"/v1/referrals/{referral}"
    steps = f"{path}/transitions"
    for wrong in (
        {"to": marks.new("state")},
        {"to": "completed", "note": marks.new("note")},
        {"to": "rejected", "reason": marks.new("reason")},
        {"to": "rejected", "note": marks.new("note without a reason")},
        {"to": "in_progress", "note": marks.new("note"), "seen_by": marks.new("desk")},
        {"to": "redirected", "reason": "other", "redirect_to": marks.new("elsewhere")},
    ):
        for institution in (INSTITUTE, SHELTER, CONSULATE):
            assert not (await watched.ask(institution, "POST", steps, wrong)).is_success
    question = marks.new("question", INSTITUTE, SHELTER)
    await watched.done(
        INSTITUTE,
        steps,
        {
            "to": "info_requested",
            "note": marks.new("note", INSTITUTE),
            "questions": [{"category": "contact", "text": question}],
        },
    )
    await watched.wired.settle()
    beyond = {"persons": [a_marked_person(marks, None)], "share": ["legal_case"]}
    assert not (await watched.ask(SHELTER, "POST", f"{path}/information", beyond)).is_success
    supplied = {"persons": [a_marked_person(marks, {share[0]})], "share": [share[0]]}
    await watched.done(SHELTER, f"{path}/information", supplied)
    await watched.wired.settle()
    for step in (
        {"to": "accepted", "note": marks.new("note", INSTITUTE)},
        {
            "to": "scheduled",
            "appointment": {
                "at": "2026-03-03T10:00:00Z",
                "place": marks.new("place", INSTITUTE, SHELTER),
            },
        },
        {"to": "in_progress", "note": marks.new("note", INSTITUTE)},
        {**COMPLETION, "note": marks.new("note", INSTITUTE)},
    ):
        await watched.done(INSTITUTE, steps, step)
    await watched.wired.settle()


async def followed_up(watched: Watched, code: str, phrase: str) -> None:
    """The consulate asks what became of her, and reads how it ended and no more."""
    marks = watched.marks
    window = {"window_from": "2026-03-02T16:00:00Z", "window_until": "2026-03-12T00:00:00Z"}
    for wrong in (marks.new("code"), "GT-0000000000Z"):
        for path, body in (
            ("/v1/status-queries", {"reference_code": wrong}),
            ("/v1/follow-ups", {"reference_code": wrong, **window}),
        ):
            assert not (await watched.ask(CONSULATE, "POST", path, body)).is_success
    await watched.done(CONSULATE, "/v1/status-queries", {"reference_code": code})
    asked = await watched.done(CONSULATE, "/v1/follow-ups", {"reference_code": code, **window})
    await watched.wired.settle()
    path = f"/v1/follow-ups/{asked['id']}"
    await watched.done(INSTITUTE, f"{path}/transitions", {"to": "accepted"})
    opened = await watched.done(INSTITUTE, f"{path}/attempts", {"modality": "call"})
    outcome = f"{path}/attempts/{opened['seq']}/outcome"
    for wrong_phrase in (marks.new("a phrase"), {marks.new("a key"): marks.new("a phrase")}):
        ending = {"outcome": "answered", "pass_phrase": wrong_phrase}
        assert not (await watched.ask(INSTITUTE, "POST", outcome, ending)).is_success
    await watched.done(INSTITUTE, outcome, {"outcome": "answered", "pass_phrase": phrase})
    await watched.done(
        INSTITUTE, f"{path}/report", REPORT | {"note": marks.new("note of a report", INSTITUTE)}
    )
    await watched.wired.settle()
    for institution in (INSTITUTE, CONSULATE):
        assert (await watched.ask(institution, "GET", path)).is_success


async def everything_read(watched: Watched, referral: str) -> dict[str, Any]:
    """Whatever each side can read of it; what the institute holds."""
    for institution in (SHELTER, INSTITUTE, CONSULATE):
        for path in (f"/v1/referrals/{referral}", f"/v1/referrals/{referral}/history"):
            answer = await watched.ask(institution, "GET", path)
            assert answer.status_code == (404 if institution == CONSULATE else 200)
        assert (await watched.ask(institution, "GET", "/v1/events?limit=500")).is_success
        assert (await watched.ask(institution, "GET", "/v1/referrals")).is_success
    held: dict[str, Any] = (await watched.ask(INSTITUTE, "GET", f"/v1/referrals/{referral}")).json()
    for file in held["attachments"]:
        path = f"/v1/referrals/{referral}/attachments/{file['id']}"
        assert (await watched.ask(INSTITUTE, "GET", path)).is_success
    return held


# -- what must hold afterwards ------------------------------------------------------------------------


def found_in(watched: Watched, content: Any) -> set[str]:
    marks = watched.marks
    return marks.named({m for one in content for part in unwrapped(one) for m in marks.in_(part)})


def nothing_is_readable_on_the_way(watched: Watched) -> None:
    """In what passed between services, what is kept at rest, and what processes write down."""
    assert found_in(watched, watched.wired.wire.passed) == set()
    for name, database in watched.wired.databases().items():
        assert found_in(watched, kept_in(database)) == set(), name
    written = watched.marks.in_(watched.log.getvalue())
    assert watched.marks.named(written) == set()
    assert '"event":"request"' in watched.log.getvalue()
    for file in watched.folder.rglob("*"):
        if file.is_file():
            assert watched.marks.named(watched.marks.in_(file.read_bytes())) == set(), file.name


def each_reads_what_is_for_it(watched: Watched) -> None:
    marks = watched.marks
    for institution, told in watched.told.items():
        assert marks.named(marks.in_(b"".join(told.feeds))) == set(), institution
        assert marks.named(marks.in_(b"".join(told.refusals))) == set(), institution
        read = marks.in_(b"".join(told.fine))
        assert marks.named(read - marks.readable(institution)) == set(), institution
    for institution, plain in decrypted(watched):
        opened = {mark for part in unwrapped(plain) for mark in marks.in_(part)}
        assert marks.named(opened - marks.readable(institution)) == set(), institution


def decrypted(watched: Watched) -> Iterator[tuple[str, bytes]]:
    """The sealed part of each message that passed, as its receiver opens it."""
    for passed in watched.wired.wire.passed:
        if not passed.startswith(b'{"envelopes"'):
            continue
        for jws in json.loads(passed)["envelopes"]:
            envelope = parse(jws)
            receiver = ".".join(envelope.aud.split(".")[:2])
            if envelope.content is not None:
                keys = watched[receiver].node.keys.encryption
                yield receiver, jose.open_sealed(envelope.content, keys)[1]


# -- the law ------------------------------------------------------------------------------------------

plans = st.tuples(
    st.sets(st.sampled_from(sorted(set(WANTED) - {"identity"}))),
    st.sets(st.sampled_from(OPEN)),
    st.booleans(),
)


def some_plans(count: int) -> list[tuple[set[str], set[str], bool]]:
    """The same plans in every run: what is shared, what consent allows beyond it, and whether a file goes."""
    made: list[tuple[set[str], set[str], bool]] = []
    find(
        plans,
        lambda plan: made.append(plan) or len(made) >= count,  # type: ignore[func-returns-value]
        settings=settings(derandomize=True, database=None, phases=[Phase.generate]),
    )
    return made[:count]


@pytest.mark.parametrize(("kind", "count"), [("sqlite", 2), ("postgresql", 1)])
async def test_no_byte_leaves_that_was_not_let_through(
    kind: str, count: int, tmp_path: Path, log: io.StringIO
) -> None:
    async with wired(tmp_path, kind) as federation:
        watched = Watched(federation, log, tmp_path)
        for nth, (shared, allowed, with_file) in enumerate(some_plans(count)):
            share = sorted(shared | {"identity"})
            given = a_marked_consent(
                watched.marks,
                purposes=["service_delivery", "follow_up"],
                categories=sorted(allowed | {*share, "identity"}),
            )
            consent = (await watched.done(SHELTER, "/v1/consents", given))["id"]
            if nth == 0:
                await refused(watched, consent, share)
            referral = await sent(watched, consent, share, with_file=with_file)
            held = await everything_read(watched, referral)
            sections = {name for name, value in held["persons"][0].items() if value}
            assert sections == {"person_id", *share}
            await answered(watched, referral, share)
            phrase = given["contact_rules"]["pass_phrase"]
            await followed_up(watched, held["reference_code"], phrase)
            await everything_read(watched, referral)
        arrived = watched.marks.in_(b"".join(watched.told[INSTITUTE].fine))
        leaving = {
            mark
            for mark, readers in watched.marks.may_read.items()
            if {SHELTER, INSTITUTE} <= readers and watched.marks.of[mark].split()[0] in SECTIONS
        }
        assert watched.marks.named(leaving - arrived) == set()
        each_reads_what_is_for_it(watched)
        nothing_is_readable_on_the_way(watched)


async def test_every_text_of_a_record_holds_a_mark() -> None:
    """Else the law above would prove nothing of a field that somebody adds."""
    marks = Marks()
    person, consent = a_marked_person(marks, set()), a_marked_consent(marks)
    assert free_texts(Person) <= marked_places(person)
    assert free_texts(ConsentInput) <= marked_places(consent)
    Person.model_validate(person)


async def test_a_mark_is_found_in_a_token_within_a_token() -> None:
    marks, key = Marks(), jose.generate_signing_key()
    mark = marks.new("deep")
    inner = jose.sign({"said": mark}, key, typ="a")
    outer = jose.sign({"carried": [inner]}, key, typ="b")
    content = json.dumps({"envelopes": [outer]}).encode()
    assert not marks.in_(content)
    assert {m for part in unwrapped(content) for m in marks.in_(part)} == {mark}
