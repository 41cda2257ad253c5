"""A scenario gone through without any service: does every step make sense, and who is needed?

Bodies are made as the player makes them, with stand-ins for what only a node can know, and checked
against the contract.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import TypeAdapter, ValidationError
from typing_extensions import override

from relevo.contracts.identifiers import institution_of, reference_code
from relevo.contracts.lifecycles import follow_up, referral
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.person import Person
from relevo.contracts.problem_types import PROBLEM_TYPES

from .bodies import Frame, ScenarioError
from .cast_files import Cast
from .moments import Calendar, rfc_3339
from .schema import Check, ScenarioFile, Step
from .verbs import RUNS_THE_SANDBOX, VERBS, Kind, Verb

_STAND_IN_ID: Final = "00000000-0000-4000-8000-000000000000"
_STAND_IN_DAY: Final = date(2030, 1, 7)
_PARTY_KEYS: Final = frozenset({"receiver", "redirect_to", "received_by", "party"})
_NAMES: Final = re.compile(r"^gateway\.[a-z]{2}$")
CHECK: Final[TypeAdapter[Any]] = TypeAdapter(Check)


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where in the file."""

    where: tuple[str | int, ...]
    message: str

    @override
    def __str__(self) -> str:
        return self.message


@dataclass
class Rehearsal:
    """What going through a scenario finds.

    Attributes:
        institutions: Those whose nodes it needs, in the order in which they are named.
        routes: The pathway of each referral that a step makes.
    """

    faults: list[Fault] = field(default_factory=list)
    institutions: list[str] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    routes: dict[str, str] = field(default_factory=dict)


def rehearse(file: ScenarioFile, cast: Cast) -> Rehearsal:
    """Goes through a scenario."""
    return _Rehearsing(file, cast).whole()


class _Rehearsing:
    def __init__(self, file: ScenarioFile, cast: Cast) -> None:
        self.file = file
        self.cast = cast
        self.found = Rehearsal()
        self._parties = cast.parties()
        self._last: datetime | None = None
        self._left: set[str | None] = set()

    def whole(self) -> Rehearsal:
        self._zone(self.file.zone, "zone")
        known = pathways()
        for number, route in enumerate(self.file.pathways):
            if route not in known:
                self._fault(
                    f"there is no pathway `{route}`{_near(route, known)}", "pathways", number
                )
        for key in self.file.persons:
            self._person(key)
        for number, one in enumerate(self.file.also_present):
            self._party(one, "also_present", number)
        for number, step in enumerate(self.file.steps):
            self._step(number, step)
        for number, outcome in enumerate(self.file.outcomes):
            self._outcome(number, outcome.of, outcome.state, outcome.code)
        for number, check in enumerate(self.file.checks):
            self._check(check, "checks", number)
        if any("child_data" in person for person in self.file.persons.values()):
            self._authorities()
        return self.found

    def _authorities(self) -> None:
        """Whom the nodes of this story tell of children, so that somebody is there to be told."""
        for institution in list(self.found.institutions):
            member = self.cast.members[institution]
            for one in (member.child_protection_authority, member.child_protection_alternate):
                if one is not None:
                    self._party(one, "institutions")

    def _person(self, key: str) -> None:
        frame = Frame(
            self.file, self._calendar, rfc_3339(self._now()), self.file.steps[0], self._stand_in
        )
        try:
            Person.model_validate(frame.resolved({"person_id": key, **self.file.persons[key]}))
        except ValidationError as error:
            self._misfit(error, "persons", key)
        except (ScenarioError, ValueError) as error:
            self._fault(str(error), "persons", key)

    def _step(self, number: int, step: Step) -> None:
        where = ("steps", number)
        verb = VERBS.get(step.do)
        if verb is None:
            self._fault(f"there is no verb `{step.do}`{_near(step.do, VERBS)}", *where, "do")
            return
        self._time(step, *where)
        if step.by is None:
            if step.do != "check":
                self._fault(f"who does it? `{step.do}` needs `by`", *where)
                return
        else:
            self._party(step.by, *where, "by")
        self._thing(verb, step, *where)
        self._turnover(step, *where)
        if step.refused is not None and step.refused not in PROBLEM_TYPES:
            near = _near(step.refused, PROBLEM_TYPES)
            self._fault(f"there is no problem `{step.refused}`{near}", *where, "refused")
        if step.do == "check":
            try:
                self._check(CHECK.validate_python(step.body), *where, "with")
            except ValidationError as error:
                self._misfit(error, *where, "with")
        elif step.do in RUNS_THE_SANDBOX:
            self._line_of(step, *where)
        else:
            self._body(verb, step, *where)
        self._saves(verb, step)

    def _time(self, step: Step, *where: str | int) -> None:
        if step.zone is not None and not self._zone(step.zone, *where, "zone"):
            return
        if step.at is None:
            return
        try:
            at = self._calendar.at(step.at, step.zone)
        except ValueError as error:
            self._fault(str(error), *where, "at")
            return
        if self._last is not None and at < self._last:
            self._fault("time goes forward: this is before the step above", *where, "at")
        self._last = at

    def _thing(self, verb: Verb, step: Step, *where: str | int) -> None:
        """What the step is done to must have been made before."""
        if step.do == "consent":
            if step.of not in self.file.consents:
                near = _near(step.of or "", self.file.consents)
                self._fault(f"there is no [consents.{step.of}]{near}", *where, "of")
            return
        needs_one = verb.of is not None or step.do in {
            "read", "wait_for", "expect_overdue", "try_old_token",
        }  # fmt: skip
        if step.of is None:
            if needs_one and not (step.do in {"status", "follow_up"} and step.body):
                self._fault(f"`{step.do}` needs `of`", *where)
            return
        self._made(step.of, verb.of, *where, "of")
        if step.do == "download":
            self._made(str(step.body.get("file")), "answer", *where, "with")

    def _made(self, name: str, kind: Kind | None, *where: str | int) -> None:
        made = self.found.kinds.get(name)
        if made is None:
            near = _near(name, self.found.kinds)
            self._fault(f"no step before has made `{name}`{near}", *where)
        elif kind is not None and made not in {kind, "answer"}:
            self._fault(f"`{name}` is a {made}, not a {kind}", *where)

    def _line_of(self, step: Step, *where: str | int) -> None:
        member = self.cast.members.get(institution_of(step.by or ""))
        if step.do.startswith("link_") and (member is None or not member.weak_link):
            self._fault(f"{step.by} has no weak_link that could be cut", *where, "by")

    def _turnover(self, step: Step, *where: str | int) -> None:
        if step.do == "change_hands":
            self._left.add(step.by)
        elif step.do == "try_old_token" and step.by not in self._left:
            self._fault(f"nobody has left {step.by}: `change_hands` comes before", *where, "by")

    def _body(self, verb: Verb, step: Step, *where: str | int) -> None:
        frame = Frame(self.file, self._calendar, rfc_3339(self._now()), step, self._stand_in)
        try:
            said = {**verb.fixed, **step.body}
            body = frame.resolved(verb.fill(frame, said) if verb.fill else said)
            frame.resolved(step.expect)
        except (ScenarioError, ValueError) as error:
            inner = error.where if isinstance(error, ScenarioError) else ("with",)
            self._fault(str(error), *where, *inner)
            return
        if step.do == "submit":
            self.found.routes[step.saved_as or ""] = str(body["pathway"])
        if step.refused is not None:
            return  # It may be wrong on purpose.
        self._parties_in(body, *where, "with")
        self._outcome_of(step, body, *where)
        if verb.model is not None:
            try:
                verb.model.model_validate(body)
            except ValidationError as error:
                self._misfit(error, *where, "with")

    def _outcome_of(self, step: Step, body: dict[str, Any], *where: str | int) -> None:
        report = body.get("counter_referral")
        route = pathways().get(self.found.routes.get(step.of or "", ""))
        if report is None or route is None or not route.outcomes:
            return
        if report["outcome"] not in route.outcomes:
            self._fault(
                f"`{report['outcome']}` is no outcome of {route.id}: {', '.join(route.outcomes)}",
                *where, "with", "outcome",
            )  # fmt: skip

    def _outcome(self, number: int, of: str, state: str, code: str | None) -> None:
        self._made(of, None, "outcomes", number, "of")
        states = follow_up.STATES if self.found.kinds.get(of) == "follow_up" else referral.STATES
        if state not in states:
            self._fault(
                f"there is no state `{state}`{_near(state, states)}", "outcomes", number, "state"
            )
        route = pathways().get(self.found.routes.get(of, ""))
        if code and route is not None and route.outcomes and code not in route.outcomes:
            self._fault(f"`{code}` is no outcome of {route.id}", "outcomes", number, "code")

    def _check(self, check: Any, *where: str | int) -> None:
        if getattr(check, "of", None) is not None:
            self._made(check.of, None, *where, "of")
        by = getattr(check, "by", [])
        for one in [by] if isinstance(by, str) else by:
            self._party(one, *where, "by")
        for one in getattr(check, "at", []):
            if one != "gateways" and not _NAMES.match(one):
                self._party(one, *where, "at")
        told = str([self.file.persons, self.file.consents, [step.body for step in self.file.steps]])
        for word in getattr(check, "words", []):
            if word not in told and word not in self.file.pathways:
                self._fault(f"`{word}` stands nowhere in this scenario", *where, "words")

    def _saves(self, verb: Verb, step: Step) -> None:
        if step.refused is not None:
            return
        if step.do == "consent" and step.of is not None:
            self.found.kinds[step.saved_as or step.of] = "consent"
        elif step.saved_as is not None:
            self.found.kinds[step.saved_as] = step.body.get("kind") or verb.makes or "answer"

    def _stand_in(self, name: str, path: str) -> Any:
        if name not in self.found.kinds:
            near = _near(name, self.found.kinds)
            raise ScenarioError(f"no step before has made `{name}`{near}", "with")
        last = path.rpartition(".")[2]
        if last == "reference_code":
            return reference_code("MX", 0)
        return 1 if last in {"seq", "version", "event_seq"} else _STAND_IN_ID

    def _parties_in(self, value: Any, *where: str | int) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key in _PARTY_KEYS and isinstance(inner, str):
                    self._party(inner, *where, key)
                else:
                    self._parties_in(inner, *where, key)
        elif isinstance(value, list):
            for inner in value:
                self._parties_in(inner, *where)

    def _party(self, party: str, *where: str | int) -> None:
        if party not in self._parties:
            self._fault(f"nobody of the cast is `{party}`{_near(party, self._parties)}", *where)
            return
        home = institution_of(party)
        if home in self.cast.members and home not in self.found.institutions:
            self.found.institutions.append(home)
        guest = self.cast.guests.get(party)
        for host in guest.brings_to if guest is not None else ():
            if host in self.cast.members and host not in self.found.institutions:
                self.found.institutions.append(host)

    def _zone(self, zone: str, *where: str | int) -> bool:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            self._fault(f"there is no time zone `{zone}`", *where)
            return False
        return True

    def _misfit(self, error: ValidationError, *where: str | int) -> None:
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            said = ".".join(map(str, item["loc"]))
            text = str(item["msg"]).removeprefix("Value error, ")
            self._fault(f"{said or 'it'}: {text}", *where, *item["loc"])

    def _fault(self, message: str, *where: str | int) -> None:
        self.found.faults.append(Fault(where, message))

    @property
    def _calendar(self) -> Calendar:
        return Calendar(_STAND_IN_DAY, self.file.zone)

    def _now(self) -> datetime:
        return self._last or self._calendar.at("D0 08:00")


def _near(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f": `{found[0]}`?" if found else ""
