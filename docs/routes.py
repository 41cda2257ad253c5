"""The pages on pathways and triage schemes."""

from collections.abc import Iterator

from relevo.contracts.pathways.loader import pathways
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.triage.loader import CLOCK_NAMES, TriageScheme, triage_schemes

from .markdown import code, page, table


def pathway_pages() -> str:
    def lines() -> Iterator[str]:
        yield (
            "A pathway is one real route as data: who may receive, which data categories receivers get and why, "
            "the bases that are lawful, the clocks. Anything a pathway does not ask for never leaves on it."
        )
        yield ""
        for route in pathways().values():
            yield from one_pathway(route)

    return page("Pathways", "contracts/relevo/contracts/pathways/data/", lines())


def one_pathway(route: Pathway) -> Iterator[str]:
    yield f"## {route.id}"
    yield ""
    yield f"{route.title_en} · {route.title_es} · version {route.version}"
    yield ""
    yield f"* sources: {'; '.join(route.sources)}"
    yield f"* countries: {', '.join(route.countries)}"
    yield f"* the receiver holds one of: {code(route.receiver_mandates)}"
    yield f"* purposes: {code(route.purposes)}"
    yield f"* lawful bases: {code(route.lawful_bases)}"
    yield f"* services: {code(route.services)}"
    yield f"* outcomes: {code(route.outcomes)}"
    seen = "its name" if route.routing_class is None else f"the class `{route.routing_class}`"
    yield f"* gateways see: {seen}"
    scheme = (
        "none"
        if route.triage_scheme is None
        else f"[{route.triage_scheme}](triage.md#{route.triage_scheme})"
    )
    yield f"* triage scheme: {scheme}"
    yield ""
    yield from table(
        ("receivers get", "what for", "required"),
        (
            (f"`{asked.category}`", asked.why, "yes" if asked.required else "")
            for asked in route.asks
        ),
    )


def triage_pages() -> str:
    def lines() -> Iterator[str]:
        yield (
            "A pathway chooses one of these, or none. Hours count from triage, on the clock of what was done: "
            "a call entered later counts from when it was made. Each clock that runs out is told to the "
            "institution's systems rung by rung; nothing here ever calls the person."
        )
        yield ""
        for scheme in triage_schemes().values():
            yield from one_scheme(scheme)

    return page("Triage schemes", "contracts/relevo/contracts/triage/data/", lines())


def one_scheme(scheme: TriageScheme) -> Iterator[str]:
    yield f"## {scheme.id}"
    yield ""
    yield f"{scheme.title_en} · {scheme.title_es} · version {scheme.version}"
    yield ""
    yield f"* sources: {'; '.join(scheme.sources)}"
    yield f"* the clocks stand still in: {code(scheme.stopped_by)}"
    yield f"* decided with: {code(scheme.decided_by)}, or an outcome"
    yield f"* delivered with: {code(scheme.delivered_by)}, or an outcome"
    yield f"* ladder: {code(scheme.ladder)}"
    yield ""
    yield from table(
        ("level", "en", "es", "hours to acknowledge", "to decide", "to deliver", "rungs at"),
        (
            (
                f"`{level}`",
                rule.title_en,
                rule.title_es,
                *(f"{rule.hours[clock]:g}" if clock in rule.hours else "" for clock in CLOCK_NAMES),
                ", ".join(
                    f"{rule.ladder_starts + number * rule.ladder_step:.0%}"
                    for number in range(len(scheme.ladder))
                ),
            )
            for level, rule in scheme.levels.items()
        ),
    )
