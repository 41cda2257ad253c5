"""Who can take somebody now, and why the others cannot."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .hsds import Schedule, Service
from .identifiers import country_of
from .service import Question, Takes, WhyAsk, WhyNot, codes
from .service_hours import is_open, next_opening
from .standards.languages import read_language
from .standards.time_zones import zone_of_place

_AREA: Final = re.compile(r"(?:.*[/#])?([A-Z]{2}(?:-[0-9]{1,6})?)", re.ASCII)
_TWO_LETTERS: Final = {
    "ar": "ara", "de": "deu", "en": "eng", "es": "spa", "fr": "fra", "ht": "hat", "it": "ita",
    "pt": "por", "ru": "rus", "zh": "zho",
}  # fmt: skip
"""ISO 639-1, which HSDS allows, to ISO 639-3."""


@dataclass(frozen=True)
class Standing:
    """What the directory knows of an entry beside its document, as of now."""

    suspended: bool
    mandates: Collection[str]
    capacity: str
    stale: bool


@dataclass(frozen=True)
class Verdict:
    """Whether a service takes somebody. `why_not` is empty unless `takes` is no."""

    takes: Takes
    why_not: list[WhyNot]
    why_ask: list[WhyAsk]
    opens_at: datetime | None


def judge(
    service: Service, standing: Standing, question: Question, *, party: str, now: datetime
) -> Verdict:
    """What speaks against asking this service to take somebody now.

    Args:
        service: The document.
        standing: What holds of it now.
        question: What is needed. What it leaves out is not looked at.
        party: Who takes referrals for it.
        now: By the business clock.
    """
    no: list[WhyNot] = []
    ask: list[WhyAsk] = []
    if standing.suspended:
        no.append("suspended")
    if question.mandate is not None and question.mandate not in standing.mandates:
        no.append("no_mandate")
    if service.status != "active":
        no.append("not_offered")
    _capacity(standing, no, ask)
    _eligibility(service, question, no, ask)
    _language(service, question, no, ask)
    _territory(service, question, no, ask)
    opens_at = _hours(service, party, now, no, ask)
    if standing.stale:
        ask.append("stale")
    takes: Takes = "no" if no else "ask" if ask else "now"
    return Verdict(takes, no, ask, opens_at)


def languages_of(service: Service) -> list[str]:
    """ISO 639-3 codes of the languages in which it is given; what cannot be read is left out."""
    return sorted(_languages(service)[0])


def schedules_of(service: Service) -> list[Schedule]:
    """Those that hold: the service's own, else those at its places, else those of its places."""
    links = service.service_at_locations or []
    return (
        list(service.schedules or ())
        or [schedule for link in links for schedule in link.schedules or ()]
        or [schedule for place in service.locations() for schedule in place.schedules or ()]
    )


def _capacity(standing: Standing, no: list[WhyNot], ask: list[WhyAsk]) -> None:
    if standing.capacity == "none":
        no.append("no_capacity")
    elif standing.capacity == "waiting_list":
        no.append("waiting_list")
    elif standing.capacity == "assess_first":
        ask.append("assess_first")
    elif standing.capacity == "unknown":
        ask.append("capacity_unknown")


def _eligibility(service: Service, question: Question, no: list[WhyNot], ask: list[WhyAsk]) -> None:
    low, high = service.minimum_age, service.maximum_age
    if question.age is not None and (
        (low is not None and question.age < low) or (high is not None and question.age > high)
    ):
        no.append("not_eligible:age")
    if question.age is None and (low is not None or high is not None):
        ask.append("eligibility_unknown")
    sexes, profiles = codes(service, "sex"), codes(service, "case_profile")
    if question.sex is not None and sexes and question.sex not in sexes:
        no.append("not_eligible:sex")
    if question.profile is not None and profiles and question.profile not in profiles:
        no.append("not_eligible:profile")


def _languages(service: Service) -> tuple[set[str], bool]:
    """The codes, and whether all that is said of languages could be read."""
    said = list(service.languages or ())
    said += [spoken for place in service.locations() for spoken in place.languages or ()]
    found: set[str] = set()
    readable = True
    for language in said:
        code = (language.code or "").strip().lower()
        known = read_language(language.name or "") if language.name else None
        if len(code) == 3:
            found.add(code)
        elif code in _TWO_LETTERS:
            found.add(_TWO_LETTERS[code])
        elif known is not None and hasattr(known, "code"):
            found.add(known.code)
        else:
            readable = False
    return found, readable and bool(said)


def _language(service: Service, question: Question, no: list[WhyNot], ask: list[WhyAsk]) -> None:
    if question.language is None:
        return
    spoken, certain = _languages(service)
    if question.language in spoken:
        return
    if service.interpretation_services:
        ask.append("interpreter")
    elif certain:
        no.append("language")
    else:
        ask.append("language_unknown")


def _territory(service: Service, question: Question, no: list[WhyNot], ask: list[WhyAsk]) -> None:
    if question.place is None:
        return
    areas = _areas(service)
    if any(_within(question.place, code) for read in areas for code in read):
        return
    if areas and all(areas):
        no.append("outside_territory")
    else:
        ask.append("territory_unknown")


def _within(place: str, area: str) -> bool:
    return (
        place == area
        or ("-" not in area and place.startswith(f"{area}-"))
        or ("-" in area and place.startswith(area))
    )


def _hours(
    service: Service, party: str, now: datetime, no: list[WhyNot], ask: list[WhyAsk]
) -> datetime | None:
    schedules = schedules_of(service)
    zone = _zone(service, party)
    opened = is_open(schedules, now, zone)
    if opened is None:
        ask.append("hours_unknown")
    elif not opened:
        no.append("closed_now")
        return next_opening(schedules, now, zone)
    return None


def _areas(service: Service) -> list[list[str]]:
    """Of each area that is named, the place codes that can be read."""
    areas = list(service.service_areas or ())
    for link in service.service_at_locations or ():
        areas += link.service_areas or ()
    matched = [[_AREA.fullmatch(text) for text in (a.extent, a.uri) if text] for a in areas]
    return [[found[1] for found in texts if found] for texts in matched]


def _zone(service: Service, party: str) -> str | None:
    """The zone of the country where it has one, else of the areas where they agree."""
    country = zone_of_place(country_of(party))
    zones = {zone_of_place(code) for codes_of_area in _areas(service) for code in codes_of_area}
    return country or (zones.pop() if len(zones) == 1 else None)
