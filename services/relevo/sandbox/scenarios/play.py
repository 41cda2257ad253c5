"""Plays one scenario: every step through the institutions' own HTTP, each awaited on both sides."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from relevo.contracts.identifiers import institution_of
from relevo.sandbox.systems import LocalSystem

from . import papers, turnover
from .answers import as_json, at_path, fits, short, state_of, told
from .bodies import Frame, ScenarioError
from .expected import NotSoError, expected
from .federation import Federation
from .load import Scenario
from .moments import Calendar, rfc_3339
from .rehearsal import CHECK
from .schema import Step
from .verbs import COLLECTIONS, VERBS, Kind, Verb

WAIT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.04


@dataclass
class Saved:
    """Something that a step made.

    Attributes:
        path: Where it is read.
        answer: What the node said when it was made.
        by: Who made it.
    """

    kind: Kind
    path: str
    answer: Any
    by: str

    @property
    def id(self) -> str:
        return str(self.answer["id"])

    @property
    def parties(self) -> tuple[str, str]:
        """The two whose copies meet."""
        if self.kind == "follow_up":
            return str(self.answer["asker"]), str(self.answer["holder"])
        return str(self.answer["sender"]), str(self.answer["receiver"])


class Stage:
    """A scenario while it is played.

    Attributes:
        saved: What steps made, by the name that they gave it.
        heard: Every answer so far, by party: what its systems got to read.
    """

    def __init__(self, scenario: Scenario, federation: Federation) -> None:
        self.scenario = scenario
        self.federation = federation
        federation.stores.begin()
        self.calendar = Calendar(federation.next_day(scenario.file.zone), scenario.file.zone)
        self.saved: dict[str, Saved] = {}
        self.heard: dict[str, list[str]] = {}
        self.checks_held = 0
        self.under: dict[str, list[str]] = {}

    def play_step(self, number: int, step: Step, check: Callable[[Any], None]) -> None:
        """One step.

        Raises:
            NotSoError: It was answered otherwise than the scenario says.
        """
        where = ("steps", number)
        if step.at is not None:
            self.federation.move_to(self.calendar.at(step.at, step.zone))
        verb = VERBS[step.do]
        special = {
            "link_down": self._link_down,
            "link_up": self._link_up,
            "stop": self._stop,
            "restart": self._restart,
            "change_hands": self._change_hands,
            "try_old_token": self._try_old_token,
            "wait_for": self._wait_for,
            "expect_overdue": self._expect_overdue,
            "find": self._find,
            "download": self._download,
        }.get(step.do)
        try:
            if step.do == "check":
                check(CHECK.validate_python(step.body))
            elif special is not None:
                special(step)
            else:
                self._call(verb, step)
        except (NotSoError, ScenarioError) as error:
            raise NotSoError(str(error), *where, *error.where) from error

    # -- calls ------------------------------------------------------------------------------------------

    def _call(self, verb: Verb, step: Step) -> None:
        frame = Frame(
            self.scenario.file,
            self.calendar,
            rfc_3339(self.federation.clock.business()),
            step,
            self.look,
        )
        said = {**verb.fixed, **step.body}
        body = frame.resolved(verb.fill(frame, said) if verb.fill else said)
        answer = self._ask(verb, step, body)
        self.hear(step.by or "", answer)
        got = as_json(answer)
        if step.refused is not None:
            self._refused(step, answer, got)
            expected(frame, step, got)
            return
        wanted = step.status or 0
        if (wanted and answer.status_code != wanted) or (not wanted and not answer.is_success):
            raise NotSoError(f"it was answered {told(answer)}", "do")
        expected(frame, step, got)
        made = self._save(verb, step, body, got)
        if step.wait:
            self._settle(step, made)

    def _ask(self, verb: Verb, step: Step, body: dict[str, Any]) -> httpx.Response:
        at = body.get("received_by") if step.do == "hand_over" else body.get("at")
        system = self.federation.system(step.by or "", at=at)
        if step.do == "call":
            query = body.get("query", {})
            return system.call(body["method"], body["path"], body.get("body"), params=query)
        if step.do == "manifest":
            return self._post_manifest(system, body)
        if step.do == "upload":
            content = papers.page(str(body["words"]))
            return system.send("/v1/attachments", content, media_type="application/pdf", params={})
        path = verb.path
        if "{of}" in path:
            path = path.replace("{of}", self.saved[step.of or ""].path)
        empty = verb.method == "GET" or (not body and verb.model is None)
        return system.call(verb.method, path, None if empty else body)

    def _post_manifest(self, system: LocalSystem, body: dict[str, Any]) -> httpx.Response:
        terms = dict(body)
        content = str(terms.pop("csv")).encode(terms.pop("encoding", "utf-8"))
        return system.send("/v1/manifests", content, media_type="text/csv", params=terms)

    def _refused(self, step: Step, answer: httpx.Response, got: Any) -> None:
        problem = str(got.get("type", "")).rpartition("/")[2] if isinstance(got, dict) else ""
        if problem != step.refused or step.status not in {None, answer.status_code}:
            wanted = f"{step.status or ''} {step.refused}".strip()
            raise NotSoError(
                f"it should be refused with {wanted}, and was answered {told(answer)}", "refused"
            )

    def _save(self, verb: Verb, step: Step, body: dict[str, Any], got: Any) -> Saved | None:
        name = step.saved_as or (step.of if step.do == "consent" else None)
        kind: Kind = step.body.get("kind") or verb.makes or "answer"
        if step.do == "attempt":
            path = f"{self.saved[step.of or ''].path}/attempts/{got['seq']}"
        elif kind in COLLECTIONS and isinstance(got, dict):
            path = f"{COLLECTIONS[kind]}/{got['id']}"
        else:
            path = ""
        if kind in {"referral", "follow_up"} and path:
            # What it answers to a new one is short.
            got = {**(self._reads(step.by or "", path) or {}), **got}
        if step.do == "upload":
            got = {**got, "words": body["words"]}
        made = Saved(kind, path, got, step.by or "")
        if step.do == "submit":
            for consent_id in body.get("consent_ids", []):
                self.under.setdefault(consent_id, []).append(name or "")
        if name is not None:
            self.saved[name] = made
        return made if path else None

    # -- both sides -------------------------------------------------------------------------------------

    def _settle(self, step: Step, made: Saved | None) -> None:
        """Waits until what the step changed is seen on both sides."""
        if step.do == "withdraw":
            for name in self.under.get(self.saved[step.of or ""].id, []):
                if name in self.saved:
                    self._both(self.saved[name], lambda a, b: _withdrawn(a) and _withdrawn(b))
            return
        if step.do == "answer_withdrawal":
            self._answer_is_back(self.saved[step.of or ""])
            return
        if step.do == "review":
            self._review_is_told(self.saved[step.of or ""])
            return
        if step.do == "manifest" and made is not None:
            self._until(
                step.by or "", made.path, lambda got: got["state"] == "done", "the list is read"
            )
            return
        of = self.saved.get(step.of or "")
        thing = made if made is not None and made.kind in {"referral", "follow_up"} else of
        if (
            thing is None
            or thing.kind not in {"referral", "follow_up"}
            or step.do in {"status", "read"}
        ):
            return
        done = _DONE.get(step.do, _at_once)
        self._both(thing, lambda a, b: a["event_seq"] == b["event_seq"] and done(a, b))

    def _review_is_told(self, referral: Saved) -> None:
        """The sender knows of as many reviews as the receiver."""
        sender, receiver = referral.parties
        path = f"{referral.path}/reviews"
        done = self._reads(receiver, path) or {"reviews": []}
        self._until(
            sender,
            path,
            lambda got: len(got["reviews"]) == len(done["reviews"]),
            "the review",
        )

    def _answer_is_back(self, referral: Saved) -> None:
        """Whoever holds the consent reads what this holder answered."""
        name = next(name for name, one in self.saved.items() if one is referral)
        for consent_id in [one for one, names in self.under.items() if name in names]:
            self._until(
                referral.by,
                f"{COLLECTIONS['consent']}/{consent_id}/withdrawal",
                lambda got: any(
                    one["referral_id"] == referral.id and one.get("answer")
                    for one in got["holders"]
                ),
                "the holder's answer",
            )

    def _both(self, thing: Saved, met: Callable[[Any, Any], bool]) -> None:
        first, second = thing.parties
        if any(self._is_silent(party) for party in (first, second)):
            return
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            one, other = self._reads(first, thing.path), self._reads(second, thing.path)
            if one is not None and other is not None and met(one, other):
                return
            lost = _lost(one) if other is None else ""
            if lost or time.monotonic() > deadline:
                why = f" ({lost})" if lost else ""
                raise NotSoError(
                    f"the two sides do not meet{why}: {first} reads {state_of(one)}, "
                    f"{second} reads {state_of(other)}",
                    "do",
                )
            time.sleep(_POLL_SECONDS)

    def _is_silent(self, party: str) -> bool:
        home = institution_of(party)
        return home not in self.federation.nodes or self.federation.is_cut_off(home)

    def _reads(self, party: str, path: str) -> Any | None:
        answer = self.federation.system(party).call("GET", path)
        if answer.is_server_error:
            raise NotSoError(f"the node of {party} fails: {told(answer)}", "do")
        return as_json(answer) if answer.is_success else None

    def _until(self, party: str, path: str, met: Callable[[Any], bool], what: str) -> Any:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            got = self._reads(party, path)
            if got is not None and met(got):
                return got
            if time.monotonic() > deadline:
                raise NotSoError(f"{what} does not come: {party} reads {state_of(got)}", "with")
            time.sleep(_POLL_SECONDS)

    # -- what the sandbox does, and waiting -------------------------------------------------------------

    def _link_down(self, step: Step) -> None:
        self.federation.links[institution_of(step.by or "")].take_down()

    def _link_up(self, step: Step) -> None:
        self.federation.links[institution_of(step.by or "")].bring_up()

    def _stop(self, step: Step) -> None:
        self.federation.host.stop(institution_of(step.by or ""))

    def _restart(self, step: Step) -> None:
        self.federation.restart(institution_of(step.by or ""))

    def _change_hands(self, step: Step) -> None:
        turnover.change_hands(self.federation, step.by or "")

    def _try_old_token(self, step: Step) -> None:
        turnover.shut_out(self.federation, step.by or "", self.saved[step.of or ""].path)

    def _wait_for(self, step: Step) -> None:
        self._wait_until(step, step.body)

    def _expect_overdue(self, step: Step) -> None:
        self._wait_until(step, {"overdue": True, **step.body})

    def _wait_until(self, step: Step, wanted: dict[str, Any]) -> None:
        thing = self.saved[step.of or ""]
        self._until(
            step.by or "",
            thing.path,
            lambda got: all(fits(at_path(got, path), value) for path, value in wanted.items()),
            short(wanted),
        )

    def _find(self, step: Step) -> None:
        known = {one.answer.get("id") for one in self.saved.values() if one.kind == "referral"}
        wanted = {
            path: self.look(*value[2:-1].split(".", 1)) if str(value).startswith("${") else value
            for path, value in step.body.items()
        }
        by = step.by or ""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            new = [one for one in self._referrals_of(by) if one["id"] not in known]
            for one in new:
                if all(fits(at_path(one, path), value) for path, value in wanted.items()):
                    self.saved[step.saved_as or ""] = Saved(
                        "referral", f"/v1/referrals/{one['id']}", one, by
                    )
                    return
            if time.monotonic() > deadline:
                there = [f"{one['pathway']} ({one['state']})" for one in new]
                raise NotSoError(
                    f"no new referral with {short(wanted)} is there; others: {short(there)}", "with"
                )
            time.sleep(_POLL_SECONDS)

    def _download(self, step: Step) -> None:
        wanted = papers.page(str(self.saved[step.body["file"]].answer["words"]))
        path = self.saved[step.of or ""].path
        by = step.by or ""

        def arrived(got: Any) -> bool:
            return any(self._is_here(by, path, one, wanted) for one in got["attachments"])

        self._until(by, path, arrived, "the file")

    def _is_here(self, party: str, path: str, listed: Any, wanted: bytes) -> bool:
        answer = self.federation.system(party).call("GET", f"{path}/attachments/{listed['id']}")
        return answer.is_success and answer.content == wanted

    def _referrals_of(self, party: str) -> list[Any]:
        """Whole, those since the story began: lists say nothing of persons and needs."""
        began = rfc_3339(self.calendar.at("D0 00:00"))
        listed = self.federation.system(party).get("/v1/referrals", limit=200)["referrals"]
        paths = [f"/v1/referrals/{one['id']}" for one in listed if one["created_at"] >= began]
        return [one for path in paths if (one := self._reads(party, path)) is not None]

    # -- what was said ----------------------------------------------------------------------------------

    def look(self, name: str, path: str) -> Any:
        """What a saved thing has under a dotted path.

        Raises:
            ScenarioError: Nothing.
        """
        thing = self.saved.get(name)
        found = None if thing is None else at_path(thing.answer, path)
        if found is None:
            raise ScenarioError(f"`{name}` has no {path}", "with")
        return found

    def hear(self, party: str, answer: httpx.Response) -> None:
        """Keeps what a party got to read."""
        self.heard.setdefault(party, []).append(answer.text)


def _withdrawn(copy: Any) -> bool:
    return bool(copy["sharing"] == "withdrawn")


def _lost(copy: Any) -> str:
    """Why a referral will never arrive."""
    if copy is None or copy.get("delivery") not in {"refused", "expired", "dead"}:
        return ""
    return f"{copy['delivery']}: {copy.get('delivery_problem')}"


def _at_once(_: Any, __: Any) -> bool:
    return True


_DONE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "supply": lambda one, other: bool(one["state"] == other["state"] != "info_requested"),
    "cancel": lambda one, _: (one.get("cancellation") or {}).get("answer") != "waiting",
}
"""What must have happened on both sides, beside their events being the same."""
