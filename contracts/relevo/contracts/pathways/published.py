"""Pathways as they are given out: with the labels of every code, so that forms need no second question."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal

from relevo.contracts.identifiers import Country, PathwayId
from relevo.contracts.model import ContractModel, ShortText
from relevo.contracts.vocabularies.loader import code_list

from .schema import Pathway

_CODES: Final = (
    ("profiles", "case_profile"), ("services", "service_type"), ("receiver_mandates", "mandate"),
    ("purposes", "purpose"), ("lawful_bases", "lawful_basis"), ("outcomes", "outcome_type"),
)  # fmt: skip


class Label(ContractModel):
    """What people read in place of a code."""

    en: str
    es: str


class PathwayEntry(ContractModel):
    """One pathway in a list."""

    id: PathwayId
    version: ShortText
    title_en: ShortText
    title_es: ShortText
    countries: list[Country]
    sensitivity: Literal["open", "sealed"]
    gateways_see: PathwayId


class PathwayIndex(ContractModel):
    """Every pathway, by id."""

    pathways: list[PathwayEntry]


class PublishedPathway(ContractModel):
    """A pathway whole: what its file says, and the labels of its codes by vocabulary and code."""

    pathway: Pathway
    gateways_see: PathwayId
    labels: dict[str, dict[str, Label]]


def published_index(routes: dict[str, Pathway]) -> PathwayIndex:
    """The list, by id."""
    return PathwayIndex(
        pathways=[
            PathwayEntry(
                id=route.id,
                version=route.version,
                title_en=route.title_en,
                title_es=route.title_es,
                countries=route.countries,
                sensitivity=route.sensitivity,
                gateways_see=route.public_name,
            )
            for _, route in sorted(routes.items())
        ]
    )


def published(route: Pathway) -> PublishedPathway:
    """One pathway with its labels."""
    labels: dict[str, dict[str, Label]] = {}
    for list_id, code in _used(route):
        labels.setdefault(list_id, {})[code] = _label(list_id, code)
    return PublishedPathway(pathway=route, gateways_see=route.public_name, labels=labels)


def _used(route: Pathway) -> Iterator[tuple[str, str]]:
    for name, list_id in _CODES:
        for code in getattr(route, name):
            yield list_id, code
    for mandate in route.starts.mandates:
        yield "mandate", mandate
    for kind in route.starts.types:
        yield "institution_type", kind
    for asked in route.asks:
        yield "data_category", asked.category


@lru_cache(maxsize=1000)
def _label(list_id: str, code: str) -> Label:
    entry = code_list(list_id).get(code)
    return Label(en=entry.en, es=entry.es)
