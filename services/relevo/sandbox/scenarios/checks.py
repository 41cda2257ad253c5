"""What must hold at the end of a scenario, above all what must not happen."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

import httpx

from relevo.contracts.identifiers import institution_of, reference_code
from relevo.sandbox.readable import readable_parts
from relevo.servicekit.ids import random_id

from . import figures
from .answers import at_path, fits
from .expected import NotSoError
from .play import WAIT_SECONDS, Saved, Stage
from .schema import (
    EventsOf,
    Figures,
    History,
    Lacks,
    NotRoutedBy,
    Outcome,
    Sees,
    SeesNothing,
    WordsNotAt,
    WordsOnlyAt,
)

_POLL_SECONDS: Final = 0.1

CHECKS: Final[Mapping[str, str]] = {
    "words_only_at": "The words are readable nowhere but through the API of the parties of `at`: in no "
    "database, ledger, log or feed, in no answer that anybody else got. And they are read there.",
    "words_not_at": "The words are readable neither in the databases nor through the API of `at`: "
    "institutions, gateways by name, or `gateways`.",
    "sees": "`by` reads of `of` what `fields` says: its own copy, or by reference code.",
    "sees_nothing": "Each of `by` gets for the code and the id of `of` what it gets for a wrong one, byte for byte.",
    "lacks": "The copy of `by` has none of `fields`.",
    "not_routed_by": "No database of the gateways of `at` holds the id or the code of `of`; its sender's does.",
    "events": "The feed of `by` has each of `types` (about `of`).",
    "no_events": "The feed of `by` has none of `types` (about `of`).",
    "figures": "When the months of the story are over and settled, no table of its institutions and gateways, and no "
    "page that `mesa` reads of its pathways, has a small group, a code or id, or a word of `lack`. Time goes on.",
    "history": "Both sides hold the same events, and their states are `states`.",
}
"""What each check says, for the guide."""


class Checks:
    """Checks of a scenario that is being played or was."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._federation = stage.federation

    def check(self, check: Any) -> None:
        """One check.

        Raises:
            NotSoError: It does not hold.
        """
        holds: dict[type[Any], Callable[[Any], None]] = {
            WordsOnlyAt: self._words_only_at,
            WordsNotAt: self._words_not_at,
            Sees: self._sees,
            SeesNothing: self._see_nothing,
            Lacks: self._lacks,
            NotRoutedBy: self._not_routed_by,
            EventsOf: self._events,
            History: self._history,
            Figures: partial(figures.hold, self._stage),
        }
        holds[type(check)](check)
        self._stage.checks_held += 1

    def outcome(self, outcome: Outcome) -> str:
        """That the end was reached on both sides; says which.

        Raises:
            NotSoError: It was not.
        """
        thing = self._stage.saved[outcome.of]
        sender, receiver = thing.parties
        for party in (receiver, sender):
            copy = self._read(party, thing.path)
            states = [copy["state"], *(event["state"] for event in self._events_of(party, thing))]
            code = (copy.get("counter_referral") or {}).get("outcome")
            if not outcome.sender_told and party == sender:
                wrong = code is not None
            else:
                wrong = outcome.code not in {None, code}
            if outcome.state not in states or wrong:
                untold = outcome.code is not None and code is None and party == sender
                raise NotSoError(
                    f"{outcome.of} should have come to {_end(outcome.state, outcome.code)}; "
                    f"{party} reads {_end(copy['state'], code)}"
                    + (
                        " and no code: `sender_told = false`, if no consent covers it"
                        if untold
                        else ""
                    )
                )
        return f"{outcome.of} {outcome.code or outcome.state}"

    # -- words ------------------------------------------------------------------------------------------

    def _words_only_at(self, check: WordsOnlyAt) -> None:
        words = set(check.words)
        self._unreadable(words, "gateways", *self._stage.scenario.institutions)
        _shows("the log", self._federation.stores.log(), words)
        read: set[str] = set()
        for party, said in self._views().items():
            found = {word for word in words if word in said}
            if _covers(check.at, party):
                read |= found
            # An institution's own system reads what its units read.
            elif found and not any(institution_of(place) == party for place in check.at):
                raise NotSoError(f"{party} reads {', '.join(sorted(found))}", "words")
        if check.at and words - read:
            lost = ", ".join(sorted(words - read))
            raise NotSoError(f"nobody of {', '.join(check.at)} reads {lost}", "words")

    def _words_not_at(self, check: WordsNotAt) -> None:
        words = set(check.words)
        self._unreadable(words, *check.at)
        for party, said in self._views().items():
            found = {word for word in words if word in said}
            if found and _covers(check.at, party):
                raise NotSoError(f"{party} reads {', '.join(sorted(found))}", "words")

    def _unreadable(self, words: set[str], *places: str) -> None:
        """That no database of these shows a word to somebody who may read all of it."""
        urls: dict[str, str] = {}
        for name, gateway in self._federation.gateways.items():
            if name in places or "gateways" in places:
                urls[gateway.settings.database_url] = urls[gateway.auth.database_url] = name
        for place in {institution_of(one) for one in places} & set(self._federation.nodes):
            node = self._federation.nodes[place]
            for url in (
                node.settings.database_url,
                node.settings.data_key_database_url,
                node.auth.database_url,
            ):
                urls[url] = place
            link = self._federation.links.get(place)
            if link is not None:
                _shows(f"the line of {place}", b"\n".join(readable_parts(link.tapped())), words)
        for url, place in urls.items():
            _shows(f"a database of {place}", self._federation.stores.database(url), words)

    def _views(self) -> dict[str, str]:
        """What every party of the scenario can read of it, in one text each."""
        found: dict[str, str] = {}
        for home in self._stage.scenario.institutions:
            if not self._federation.host.is_running(home):
                continue
            for party, system in self._federation.systems_of(home).items():
                said = list(self._stage.heard.get(party, []))
                for path in self._paths():
                    answer = system.call("GET", path)
                    if answer.is_success:
                        said.append(answer.text)
                found[party] = "\n".join([*said, *map(_escaped_back, said)])
        return found

    def _paths(self) -> list[str]:
        paths = ["/v1/referrals?limit=50", "/v1/events?limit=500"]
        for thing in self._stage.saved.values():
            if thing.path and thing.kind != "attempt":
                paths.append(thing.path)
            if thing.kind == "referral":
                paths.append(f"{thing.path}/history")
        return paths

    def _not_routed_by(self, check: NotRoutedBy) -> None:
        thing = self._stage.saved[check.of]
        if absent := set(check.at) - set(self._federation.gateways):
            raise NotSoError(f"{', '.join(sorted(absent))} does not run in this story", "at")
        routed = {thing.id, str(thing.answer["reference_code"])}
        self._unreadable(routed, *check.at)
        # That the same look finds it where it did pass.
        sender = self._federation.nodes[institution_of(thing.parties[0])]
        home = self._federation.gateways[sender.institution.gateway]
        if thing.id.encode() not in self._federation.stores.database(home.settings.database_url):
            raise NotSoError(f"{home.name} does not show that it passed there", "of")

    # -- what one party sees ----------------------------------------------------------------------------

    def _sees(self, check: Sees) -> None:
        thing = self._stage.saved[check.of]
        seen = self._seen(check.by, thing)
        for path, wanted in check.fields.items():
            found = at_path(seen, path)
            if not fits(found, wanted):
                raise NotSoError(
                    f"{check.by} should read {path} = {wanted!r}, and reads {found!r}", "fields"
                )

    def _seen(self, party: str, thing: Saved) -> Any:
        system = self._federation.system(party)
        answer = system.call("GET", thing.path)
        if not answer.is_success and thing.kind == "referral":
            body = {"reference_code": thing.answer["reference_code"]}
            answer = system.call("POST", "/v1/status-queries", body)
        self._stage.hear(party, answer)
        if not answer.is_success:
            raise NotSoError(f"{party} sees nothing of it: {answer.status_code}", "by")
        return answer.json()

    def _see_nothing(self, check: SeesNothing) -> None:
        for party in check.by:
            self._sees_nothing(party, self._stage.saved[check.of])

    def _sees_nothing(self, party: str, thing: Saved) -> None:
        system = self._federation.system(party)
        collection = thing.path.rpartition("/")[0]
        pairs = [
            (system.call("GET", thing.path), system.call("GET", f"{collection}/{random_id()}"))
        ]
        if thing.kind == "referral":
            code = str(thing.answer["reference_code"])
            nobodys = reference_code(code[:2], 0)
            pairs.append(
                (
                    system.call("POST", "/v1/status-queries", {"reference_code": code}),
                    system.call("POST", "/v1/status-queries", {"reference_code": nobodys}),
                )
            )
        for real, wrong in pairs:
            if real.status_code != httpx.codes.NOT_FOUND:
                raise NotSoError(f"{party} is answered {real.status_code}: {real.text}", "by")
            if _whole(real) != _whole(wrong):
                raise NotSoError(f"{party} can tell it from a code that does not exist", "by")

    def _lacks(self, check: Lacks) -> None:
        seen = self._read(check.by, self._stage.saved[check.of].path)
        there = [path for path in check.fields if at_path(seen, path) not in (None, [], {}, "")]
        if there:
            raise NotSoError(f"{check.by} reads {', '.join(there)}", "fields")

    # -- events -----------------------------------------------------------------------------------------

    def _events(self, check: EventsOf) -> None:
        types = self._told_of(check)
        # What a worker finds at its next look is told a moment later.
        deadline = time.monotonic() + WAIT_SECONDS
        while check.that == "events" and time.monotonic() < deadline:
            if all(_is_among(kind, types) for kind in check.types):
                break
            time.sleep(_POLL_SECONDS)
            types = self._told_of(check)
        for kind in check.types:
            there = _is_among(kind, types)
            if there != (check.that == "events"):
                said = "has" if there else "does not have"
                raise NotSoError(f"the feed of {check.by} {said} {kind}", "types")

    def _told_of(self, check: EventsOf) -> set[str]:
        told = self._feed(check.by)
        if check.of is not None:
            subject = self._stage.saved[check.of].id
            told = [event for event in told if event["subject"] == subject]
        return {str(event["type"]) for event in told}

    def _feed(self, party: str) -> list[Any]:
        """The events since the story began."""
        system = self._federation.system(party)
        found: list[Any] = []
        after = 0
        while page := (answer := system.get("/v1/events", after=after, limit=500))["events"]:
            found += page
            after = answer["next_after"]
        began = self._stage.calendar.at("D0 00:00").isoformat()
        return [event for event in found if _utc(event["time"]) >= _utc(began)]

    def _history(self, check: History) -> None:
        thing = self._stage.saved[check.of]
        ours, theirs = (self._events_of(party, thing) for party in thing.parties)
        if _core(ours) != _core(theirs):
            raise NotSoError("the two sides hold different events", "of")
        states = [event["state"] for event in ours]
        if states != check.states:
            raise NotSoError(f"the events are {', '.join(states)}", "states")

    def _events_of(self, party: str, thing: Saved) -> list[Any]:
        path = f"{thing.path}/history" if thing.kind == "referral" else thing.path
        got = self._read(party, path)
        return list(got["history"] if isinstance(got, dict) else got)

    def _read(self, party: str, path: str) -> Any:
        answer = self._federation.system(party).call("GET", path)
        if not answer.is_success:
            raise NotSoError(f"{party} is answered {answer.status_code} for {path}: {answer.text}")
        return answer.json()


def _is_among(kind: str, types: Iterable[str]) -> bool:
    return any(known == kind or known.endswith(f".{kind}") for known in types)


def _covers(places: Iterable[str], party: str) -> bool:
    """Whether a place is this party, or the institution that it is a unit of."""
    return any(place in {party, institution_of(party)} for place in places)


def _shows(where: str, said: bytes, words: Iterable[str]) -> None:
    """That a word stands nowhere in it, nor as JSON may escape it."""
    forms = {form for word in words for form in (word, json.dumps(word)[1:-1])}
    found = sorted(form for form in forms if form.encode() in said)
    if found:
        raise NotSoError(f"{where} shows {', '.join(found)}", "words")


def _escaped_back(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except json.JSONDecodeError:
        return ""


def _core(events: Iterable[Any]) -> list[tuple[Any, Any, Any]]:
    return [(event["seq"], event["state"], event.get("actor")) for event in events]


def _whole(answer: httpx.Response) -> tuple[bytes, dict[str, str]]:
    return answer.content, {k: v for k, v in answer.headers.items() if k != "date"}


def _end(state: str, code: str | None) -> str:
    return f"{state} ({code})" if code else state


def _utc(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
