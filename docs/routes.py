"""The pages on pathways and triage schemes."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from relevo.contracts.pathways.loader import pathways
from relevo.contracts.pathways.schema import (
    Asked,
    FollowUpPlan,
    Pathway,
    QuietDays,
    Stage,
    Starts,
)  # fmt: skip
from relevo.contracts.triage.loader import CLOCK_NAMES, TriageScheme, triage_schemes
from relevo.contracts.vocabularies.loader import list_ids

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
    mexico = "" if route.title_es_mx is None else f" · {route.title_es_mx} (es-MX)"
    yield f"{route.title_en} · {route.title_es}{mexico} · version {route.version}"
    yield ""
    if route.summary_en is not None:
        yield route.summary_en
        yield ""
    yield f"* sources: {'; '.join(route.sources)}"
    yield f"* countries: {', '.join(route.countries)}"
    if route.profiles:
        yield f"* meant for: {code(route.profiles)}"
    yield f"* who may start it: {starters(route.starts)}"
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
    if route.ladder is not None:
        yield f"* its own ladder: {code(route.ladder)}"
    if route.review_days is not None:
        yield f"* never expires; reviewed every {route.review_days} days"
    yield f"* follow-up: {follow_up(route)}"
    for quiet in route.quiet_days:
        yield f"* quiet for {quiet.days} days after `{quiet.after}`: {quiet.why}"
    if route.anonymous:
        yield "* a complaint may be without a name"
    for number, stage in enumerate(route.stages, start=1):
        given = f": {code(stage.services)}" if stage.services else ""
        yield f"* stage {number}, {stage.title_en} · {stage.title_es}{given}"
    yield ""
    yield from table(
        ("receivers get", "what for", "required"),
        ((f"`{asked.category}`", asked.why, needed(asked)) for asked in route.asks),
    )


def starters(starts: Starts) -> str:
    if starts.anyone:
        return f"any institution. {starts.why}"
    named = [
        f"{what} {code(codes)}"
        for what, codes in (("a mandate of", starts.mandates), ("a type of", starts.types))
        if codes
    ]
    return ", or ".join(named)


def follow_up(route: Pathway) -> str:
    plan = route.follow_up
    if not route.allows_follow_up:
        return "none" if plan is None or plan.why is None else f"none. {plan.why}"
    if plan is None or not plan.days:
        said = "on request"
    else:
        said = f"proposed {', '.join(map(str, plan.days))} days after the end"
    by = f", by {', '.join(plan.by)}" if plan is not None and plan.by else ""
    why = f". {plan.why}" if plan is not None and plan.why else ""
    return f"{said}{by}{why}"


def needed(asked: Asked) -> str:
    if not asked.required:
        return ""
    return "yes" if asked.special_because is None else f"yes: {asked.special_because}"


def pathway_file_page() -> str:
    """Every key that a pathway file may hold, from the model that reads it."""

    def lines() -> Iterator[str]:
        yield (
            "A pathway is one TOML file. `relevo pathway check FILE` says what is wrong with one, and where. "
            "How to write one: [add a pathway](../guides/add-a-pathway.md)."
        )
        yield ""
        for heading, model in PARTS.items():
            yield f"## {heading}"
            yield ""
            if heading != "the file":
                yield inspect.getdoc(model) or ""
                yield ""
            properties = model.model_json_schema()["properties"]
            yield from table(
                ("key", "holds", "must be there", "meaning"),
                (
                    (
                        f"`{name}`",
                        in_words(properties[name]),
                        "yes" if field.is_required() else "",
                        field.description or "",
                    )
                    for name, field in model.model_fields.items()
                ),
            )

    return page("The pathway file", "contracts/relevo/contracts/pathways/schema.py", lines())


PARTS: Final[dict[str, type[BaseModel]]] = {
    "the file": Pathway, "[starts]": Starts, "[[stages]]": Stage, "[follow_up]": FollowUpPlan,
    "[[quiet_days]]": QuietDays, "[[asks]]": Asked,
}  # fmt: skip


def in_words(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        [inner] = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return in_words(inner)
    if "$ref" in schema:
        return "a table of its own"
    title = schema.get("title")
    if "enum" in schema and title in list_ids():
        return f"a code of [{title}](vocabularies.md#{title})"
    if "enum" in schema:
        return " or ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list: {in_words(schema['items'])}"
    return {"string": "text", "integer": "whole number", "boolean": "`true` or `false`"}[
        schema["type"]
    ]


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
