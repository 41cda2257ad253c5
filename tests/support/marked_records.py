"""Records in which every text that somebody could write holds a mark of its own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter

from tests.support.institutions import CONSULATE, INSTITUTE, RECEPTION, SHELTER, START
from tests.support.node_requests import a_consent, a_submission

_MARK: Final = re.compile(rb"zq[0-9]+qz")
BESIDES: Final = (
    "mental_health", "sexual_reproductive_health", "gbv_trafficking", "sogiesc", "asylum_claim",
    "migration_status", "legal_case", "financial", "service_history", "health",
)  # fmt: skip
"""Sections that are one summary."""


@dataclass
class Marks:
    """Every mark that was made, and who may ever read it."""

    may_read: dict[str, set[str]] = field(default_factory=dict)
    of: dict[str, str] = field(default_factory=dict)

    def new(self, what: str, *readers: str) -> str:
        mark = f"zq{len(self.may_read)}qz"
        self.may_read[mark] = set(readers)
        self.of[mark] = what
        return mark

    def in_(self, text: bytes | str) -> set[str]:
        found = _MARK.findall(text.encode() if isinstance(text, str) else text)
        return {mark.decode() for mark in found}

    def named(self, marks: set[str]) -> set[str]:
        """What they stand in, for whoever reads a failure."""
        return {self.of.get(mark, mark) for mark in marks}

    def readable(self, who: str) -> set[str]:
        return {mark for mark, readers in self.may_read.items() if who in readers}


def a_marked_person(marks: Marks, leaving: set[str] | None) -> dict[str, Any]:
    """A person with a mark in each text; `leaving` are the sections that the receiver gets.

    None: nobody at all may ever read any of it.
    """

    def m(section: str, place: str = "") -> str:
        readers = [] if leaving is None else [SHELTER, *([INSTITUTE] * (section in leaving))]
        return marks.new(f"{section} {place}", *readers)

    return {
        "person_id": "T-1",
        "case_profile": "returned_or_deported",
        "specific_needs": [],
        "identity": {
            "given_names": f"Ana {m('identity', 'given')}",
            "family_names": [m("identity", "family"), f"de {m('identity', 'married')}"],
            "as_written": m("identity", "as written"),
            "birth_date": {"value": "1993-04-07", "precision": "day"},
            "nationalities": ["HN"],
        },
        "chosen_name": {"name": m("chosen_name")},
        "identity_document": {
            "documents": [
                {"type": "national_id", "country": "HN", "number": m("identity_document")}
            ]
        },
        "contact": {"phones": [m("contact", "phone")], "emails": [f"{m('contact')}@x.example"]},
        "third_party_contact": {
            "relation": m("third_party_contact", "relation"),
            "name": m("third_party_contact", "name"),
            "phones": [m("third_party_contact", "phone")],
        },
        "location_municipality": {
            "country": "GT",
            "edition": m("location_municipality", "edition"),
            "name": m("location_municipality", "name"),
        },
        "location_precise": {"address": m("location_precise")},
        "family": {"summary": m("family")},
        "child_data": {
            "child_care_status": "unknown",
            "summary": m("child_data"),
            "opinion": {
                "age_band": "14_to_17",
                "words": m("child_data", "words"),
                "asked_at": START.isoformat(),
            },
        },
        "travel_and_return": {"point_of_entry": m("travel_and_return")},
        "ethnicity_language": {
            "languages": ["mam"],
            "language_group": m("ethnicity_language", "group"),
            "people": m("ethnicity_language", "people"),
        },
        "protection_concern": {
            "summary": m("protection_concern"),
            "implicated": [
                {
                    "person_id": marks.new("our own key", *([SHELTER] * (leaving is not None))),
                    "relation": m("protection_concern", "relation"),
                    "name": m("protection_concern", "name"),
                    "phones": [m("protection_concern", "phone")],
                }
            ],
        },
        "education_work": {
            "schooling": m("education_work", "schooling"),
            "occupation": m("education_work", "occupation"),
            "wishes": m("education_work", "wishes"),
        },
        **{section: {"summary": m(section)} for section in BESIDES},
    }


def a_marked_consent(marks: Marks, **changes: Any) -> dict[str, Any]:
    """A consent with a mark in each text. Its contact rules and denials go where she goes."""
    given = a_consent(
        recipients=[
            {"party": RECEPTION},
            {"party": CONSULATE, "only": ["status", "follow_up"], "requested_by_person": True},
        ],
        denials=[
            {
                "described": marks.new("denial", SHELTER, INSTITUTE),
                "reason": marks.new("why she denies", SHELTER, INSTITUTE),
            }
        ],
        given_by={
            "capacity": "self",
            "name": marks.new("giver", SHELTER),
            "relation": marks.new("relation of the giver", SHELTER),
            "opinion": marks.new("opinion", SHELTER),
        },
        contact_rules={
            "only_numbers": [marks.new("only number", SHELTER, INSTITUTE)],
            "introduce_as": marks.new("introduce as", SHELTER, INSTITUTE),
            "pass_phrase": marks.new("pass phrase", SHELTER, INSTITUTE),
        },
        implicated=[
            {
                "relation": marks.new("implicated relation", SHELTER),
                "name": marks.new("implicated name", SHELTER),
                "phones": [marks.new("implicated phone", SHELTER)],
            }
        ],
        **changes,
    )
    given["notice"] |= {"id": marks.new("notice", SHELTER), "version": marks.new("v", SHELTER)}
    given["notice"]["before_statements"]["must_report"] = [marks.new("must report", SHELTER)]
    return given


def wrong_submissions(marks: Marks, consent: str, share: list[str]) -> Iterator[dict[str, Any]]:
    """What a node refuses, each with marks that nobody may read anywhere."""
    lost = marks.new

    def one(**changes: Any) -> dict[str, Any]:
        person = a_marked_person(marks, None)
        sent = a_submission(consent, persons=[person], share=share)
        person |= changes.pop("person", {})
        return sent | changes

    yield one(share=[*share, "legal_case"])
    yield one(share=["identity", lost("a category")])
    yield one(receiver="gt.renap")
    # A well-formed name of an institution or a route is no text about a person, and is named again.
    yield one(receiver=f"Casa {lost('receiver')}")
    yield one(pathway=f"Ruta {lost('pathway')}")
    yield one(purpose="resettlement")
    yield one(consent_ids=[lost("consent")])
    yield one(needs=[{"service": lost("service")}])
    yield one(local_reference=lost("reference") * 40)
    yield one(person={"identity": {"given_names": {lost("key"): lost("name")}}})
    yield one(person={"identity": {"given_names": "A", "birth_date": lost("birth")}})
    yield one(person={"identity": {"given_names": "A", "sex": lost("sex")}})
    yield one(person={"identity": {"given_names": f"{lost('name')} \x00"}})
    yield one(person={"health": lost("health") * 2000})
    yield one(person={"identity_document": {"documents": [{"type": lost("type")}]}})
    yield one(person={f"telephone {lost('as a key')}": lost("under a key")})
    yield one(person={"person_id": f"{lost('person')} {lost('person')}"})
    yield one(
        person={"location_municipality": {"country": "GT", "code": "HN-0101", "name": lost("n")}}
    )


def free_texts(model: Any) -> set[str]:
    """Where in a model somebody may write what they like: names of fields, from the outermost in."""
    schema = TypeAdapter(model).json_schema()
    defined = schema.get("$defs", {})

    def walk(part: dict[str, Any], path: str) -> Iterator[str]:
        if "$ref" in part:
            yield from walk(defined[part["$ref"].rpartition("/")[2]], path)
        for branch in part.get("anyOf", []):
            yield from walk(branch, path)
        if part.get("type") == "array":
            yield from walk(part["items"], path)
        for name, inner in part.get("properties", {}).items():
            yield from walk(inner, f"{path}/{name}")
        if part.get("type") == "string" and part.get("maxLength") in {200, 4000}:
            yield path

    return set(walk(schema, ""))


def marked_places(record: Any, path: str = "") -> set[str]:
    """Where a record holds a mark, written as `free_texts` writes it."""
    if isinstance(record, dict):
        return {p for name, value in record.items() for p in marked_places(value, f"{path}/{name}")}
    if isinstance(record, list):
        return {place for value in record for place in marked_places(value, path)}
    return {path} if isinstance(record, str) and _MARK.search(record.encode()) else set()
