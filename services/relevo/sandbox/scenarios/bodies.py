"""From what a step says to the body that the institution's system sends.

Pure, so that the same bodies are checked against the contract before anything starts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from relevo.contracts.pathways.loader import pathways
from relevo.contracts.person import SECTIONS
from relevo.contracts.returnee import ReturneeInput

from .moments import Calendar, is_moment, rfc_3339
from .schema import ScenarioFile, Step

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_]*)((?:\.[A-Za-z0-9_]+)+)\}")
_CONSENT_DAYS: Final = 180
_NOTICE: Final = {
    "id": "aviso-general",
    "version": "1",
    "language": "es",
    "channel": "read_aloud",
    "copy_given": True,
}


class ScenarioError(Exception):
    """A file says something that cannot be played.

    Attributes:
        where: Keys that lead to it, from the table that is being read.
    """

    def __init__(self, message: str, *where: str | int) -> None:
        super().__init__(message)
        self.where = where


Look = Callable[[str, str], Any]
"""What a name that a step saved has under a dotted path."""


@dataclass(frozen=True)
class Frame:
    """What a body is made from, apart from the step itself.

    Attributes:
        now: RFC 3339, the business clock.
        look: Finds what earlier steps saved.
    """

    scenario: ScenarioFile
    calendar: Calendar
    now: str
    step: Step
    look: Look

    def person_id(self, key: str) -> str:
        """A key that no other scenario of this federation uses."""
        return f"{self.scenario.id[:32]}.{key}"

    def person(self, key: str) -> dict[str, Any]:
        """A person's table as a referral carries it."""
        if key not in self.scenario.persons:
            raise ScenarioError(f"there is no [persons.{key}]", "with", "persons")
        return {"person_id": self.person_id(key), **self.scenario.persons[key]}

    def resolved(self, value: Any) -> Any:
        """With every time and every reference replaced by what it stands for."""
        if isinstance(value, Mapping):
            return {name: self.resolved(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.resolved(inner) for inner in value]
        if is_moment(value):
            return self.calendar.in_body(value, self.step.zone)
        return self._referred(value) if isinstance(value, str) else value

    def _referred(self, text: str) -> Any:
        whole = _REFERENCE.fullmatch(text)
        if whole is not None:
            return self.look(whole[1], whole[2][1:])
        said = _REFERENCE.sub(lambda found: str(self.look(found[1], found[2][1:])), text)
        if "${" in said:
            raise ScenarioError(f"`{text}`: a reference is written ${{R1.id}}")
        return said


def consent(frame: Frame, changes: dict[str, Any]) -> dict[str, Any]:
    """A [consents.X] table with what it leaves out: asked now, by herself, signed, for 180 days."""
    key = frame.step.of or ""
    if key not in frame.scenario.consents:
        raise ScenarioError(f"there is no [consents.{key}]", "of")
    said = {**frame.scenario.consents[key], **changes}
    person = said.pop("person", None)
    if person not in frame.scenario.persons:
        raise ScenarioError(f"[consents.{key}] needs person, the key of a [persons.…]", "of")
    given = said.get("given_at", frame.now)
    recipients = said.pop("recipients", [])
    return {
        "person_id": frame.person_id(person),
        "given_by": {"capacity": "self"},
        "method": "signature",
        "given_at": given,
        "valid_from": given,
        "valid_until": _days_later(frame, given, said.pop("valid_days", _CONSENT_DAYS)),
        **said,
        "notice": {**_NOTICE, **said.get("notice", {})},
        "recipients": [{"party": one} if isinstance(one, str) else one for one in recipients],
    }


def submission(frame: Frame, said: dict[str, Any]) -> dict[str, Any]:
    """A referral; persons, consents and needs by their names."""
    body = _with_persons(frame, said)
    body.setdefault("pathway", frame.scenario.pathways[0])
    route = pathways().get(str(body["pathway"]))
    if route is None:
        raise ScenarioError(f"there is no pathway `{body['pathway']}`", "with", "pathway")
    body.setdefault("purpose", route.purposes[0])
    body["needs"] = [
        {"service": need} if isinstance(need, str) else need for need in body.get("needs", [])
    ]
    return body


def split(frame: Frame, said: dict[str, Any]) -> dict[str, Any]:
    """Who goes, and their own referral written as one is submitted."""
    return {**said, "referral": submission(frame, said.get("referral", {}))}


def supply(frame: Frame, said: dict[str, Any]) -> dict[str, Any]:
    """An answer to questions."""
    return _with_persons(frame, said)


def transition(frame: Frame, said: dict[str, Any]) -> dict[str, Any]:
    """A step on a referral; a counter-referral and an appointment without their wrapping."""
    body = dict(said)
    if "outcome" in body:
        body["counter_referral"] = {
            "outcome": body.pop("outcome"),
            "services": [
                {"service": one, "delivered_at": frame.now} if isinstance(one, str) else one
                for one in body.pop("services", [])
            ],
            "remaining_needs": [
                {"service": one} if isinstance(one, str) else one
                for one in body.pop("remaining_needs", [])
            ],
            "ended_at": body.pop("ended_at", body.get("done_at", frame.now)),
        }
    if "expected_at" in body:
        place = body.pop("place", None)
        body["appointment"] = {"at": body.pop("expected_at"), **({"place": place} if place else {})}
    return body


def withdrawal(frame: Frame, said: dict[str, Any]) -> dict[str, Any]:
    """Said now unless told otherwise."""
    return {"said_at": frame.now, **said}


def returnee(frame: Frame, said: dict[str, Any]) -> dict[str, Any]:
    """A record; `person` copies what a [persons.X] table has and a record knows."""
    body = dict(said)
    key = body.pop("person", None)
    if key is None:
        return body
    known = {
        name: value
        for name, value in frame.person(key).items()
        if name in ReturneeInput.model_fields
    }
    return {**known, **body}


def by_code(frame: Frame, said: dict[str, Any]) -> dict[str, Any]:
    """About the referral of `of`, by its reference code."""
    if frame.step.of is None:
        return dict(said)
    return {"reference_code": frame.look(frame.step.of, "reference_code"), **said}


def _with_persons(frame: Frame, said: dict[str, Any]) -> dict[str, Any]:
    body = dict(said)
    body["persons"] = [
        frame.person(one) if isinstance(one, str) else one for one in body.get("persons", [])
    ]
    for number, person in enumerate(body["persons"]):
        unknown = set(person) - {"person_id", "case_profile", "specific_needs", *SECTIONS}
        if unknown:
            raise ScenarioError(
                f"a person has no {', '.join(sorted(unknown))}", "with", "persons", number
            )
    if "consents" in body:
        body["consent_ids"] = [frame.look(name, "id") for name in body.pop("consents")]
    return body


def _days_later(frame: Frame, moment: str, days: int) -> str:
    at = frame.calendar.in_body(moment, frame.step.zone) if is_moment(moment) else moment
    return rfc_3339(datetime.fromisoformat(at) + timedelta(days=days))
