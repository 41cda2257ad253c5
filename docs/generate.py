"""Writes the reference pages from the tables that the code runs on: `python -m docs.generate`.

A test compares the pages with what this would write, so they cannot drift.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from relevo.auth.config import AuthSettings
from relevo.contracts.lifecycles import consent, follow_up, referral, returnee
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.problem_types import PROBLEM_TYPES
from relevo.contracts.scopes import SCOPE_DESCRIPTIONS
from relevo.contracts.vocabularies.loader import Code, code_list
from relevo.gateway.config import GatewaySettings
from relevo.node.config import NodeSettings
from relevo.servicekit.settings import ServiceSettings

from .manifest_pages import manifest_page
from .markdown import code, page, table
from .routes import pathway_file_page, pathway_pages, triage_pages
from .vocabulary_pages import code_maps, vocabularies

FOLDER: Final = Path(__file__).resolve().parent
# Moves that any state before an outcome may make; drawn, they would hide the rest.
_UNDRAWN: Final = {"cancel_requested", "entered_in_error", "expired", "consent_withdrawn"}


def problems() -> str:
    def lines() -> Iterator[str]:
        yield (
            "Every failure that leaves a service is `application/problem+json` (RFC 9457) with one of these "
            "types. `side` says whose side failed: `sender` is whoever made the request. Title and detail come "
            "in the language of `Accept-Language`; `translations` holds both languages always. What was wrong in "
            "a body stands in `errors`, each with a JSON pointer, and never repeats the value. Token endpoints "
            "answer as RFC 6749 §5.2 has it."
        )
        yield ""
        yield from table(
            ("problem", "status", "side", "en", "es"),
            (
                (
                    f"[`{kind.name}`](#{kind.name})",
                    str(kind.status),
                    kind.side,
                    kind.title["en"],
                    kind.title["es"],
                )
                for kind in PROBLEM_TYPES.values()
            ),
        )
        for kind in PROBLEM_TYPES.values():
            yield f"## {kind.name}"
            yield ""
            yield f"`{kind.uri}` · {kind.status} · side: {kind.side}"
            yield ""
            for language in ("en", "es"):
                yield f"* **{language}**: {kind.title[language]}. {kind.detail[language]}"
            if kind.members:
                yield f"* members: {code(kind.members)}"
            yield ""

    return page("Problem types", "contracts/relevo/contracts/problem_types.py", lines())


def lifecycles() -> str:
    def lines() -> Iterator[str]:
        yield (
            "A pair of states that stands in no table here is refused: 409 "
            "[`illegal_transition`](problems.md#illegal_transition) names both. A step of the other side is "
            "[`not_your_step`](problems.md#not_your_step)."
        )
        yield ""
        yield "## Referral"
        yield ""
        yield (
            "Each move is a numbered event; both sides replay the same events in the same order "
            "([decision 0012](decisions/0012-one-event-log-per-referral.md)). Moves marked *node* are written by "
            "the side's node itself; people are not offered them."
        )
        yield ""
        yield from mermaid(
            ("draft", ("closed", "entered_in_error")),
            [
                (here, to)
                for (here, to) in referral.TRANSITIONS
                if to not in _UNDRAWN and here != "cancel_requested"
            ],
        )
        yield (
            "Not drawn: from any state that a cancellation can be asked in to `cancel_requested` and back or on to "
            "`cancelled`; before `accepted` to `expired` and `consent_withdrawn`; from any open state at the "
            "receiver, and by the sender from any outcome or `closed`, to `entered_in_error`. A question "
            "(`info_requested`) and a wish to cancel lead back to the state they interrupted and to no other, "
            "also one inside the other."
        )
        yield ""
        yield from table(
            ("from", "to", "by", "reason", "others see"),
            (
                (f"`{here}`", f"`{to}`", by_whom(here, to), "required" if to in referral.NEEDS_REASON else "",
                 f"`{referral.COARSE[to]}`")
                for here in referral.STATES
                for to in referral.STATES
                if (here, to) in referral.TRANSITIONS
            ),
        )  # fmt: skip
        yield f"Outcomes, which the sender closes: {code(sorted(referral.OUTCOMES))}."
        yield ""
        yield from state_labels("referral_state")
        yield "## Consent"
        yield ""
        yield from mermaid(
            ("draft", [state for state in consent.STATES if not consent.TRANSITIONS[state]]),
            [(here, to) for here in consent.STATES for to in consent.TRANSITIONS[here]],
        )
        yield from table(
            ("from", "to"),
            ((f"`{here}`", code(consent.TRANSITIONS[here])) for here in consent.STATES),
        )
        yield from state_labels("consent_state")
        yield "## Follow-up"
        yield ""
        yield (
            "The asker writes `requested` and may then only wish to cancel; the institution that received the "
            "referral numbers every other step "
            "([decision 0017](decisions/0017-follow-up-requests.md)). A report alone leads to `completed` and "
            f"`partial`. `unreachable` needs {follow_up.LEAST_ATTEMPTS} attempts on {follow_up.LEAST_DAYS} days by "
            f"{follow_up.LEAST_CHANNELS} channels where there are as many. From every open state: `cancelled`, "
            "`expired`, `consent_withdrawn`."
        )
        yield ""
        ended = [state for state in follow_up.STATES if state not in follow_up.OPEN]
        yield from mermaid(
            ("requested", ended),
            [(here, to) for (here, to), who in follow_up.TRANSITIONS.items() if who == "holder"],
        )
        yield from table(
            ("from", "to", "by"),
            ((f"`{here}`", f"`{to}`", who) for (here, to), who in follow_up.TRANSITIONS.items()),
        )
        yield from state_labels("follow_up_state")
        yield "## Returnee"
        yield ""
        yield (
            "A record of the institution that receives people; it never travels. It begins as "
            f"{code(sorted(returnee.BEGINNINGS))}. Until she is received, her row of a list that is posted again "
            "changes it; then people alone do. That she was referred or is followed up is no state: it is read off "
            "the referrals and follow-ups."
        )
        yield ""
        ends = [state for state in returnee.STATES if not returnee.TRANSITIONS[state]]
        yield from mermaid(
            ("announced", ends),
            [(here, to) for here in returnee.STATES for to in returnee.TRANSITIONS[here]],
        )
        yield from table(
            ("from", "to", "reason"),
            (
                (f"`{here}`", f"`{to}`", "required" if to in returnee.NEEDS_REASON else "")
                for here in returnee.STATES
                for to in returnee.TRANSITIONS[here]
            ),
        )
        yield from state_labels("returnee_state")

    return page("Lifecycles", "contracts/relevo/contracts/lifecycles/", lines())


def by_whom(here: referral.State, to: referral.State) -> str:
    side = referral.TRANSITIONS[here, to]
    return side if referral.by_people(here, to) or to == "submitted" else f"{side}, *node*"


def mermaid(ends: tuple[str, Iterable[str]], moves: Iterable[tuple[str, str]]) -> Iterator[str]:
    first, last = ends
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {first}"
    yield from sorted(f"    {here} --> {to}" for here, to in moves)
    yield from (f"    {state} --> [*]" for state in last)
    yield "```"
    yield ""


def state_labels(list_id: str) -> Iterator[str]:
    def row(entry: Code) -> tuple[str, ...]:
        regional = [f"{tag}: {label}" for tag, label in entry.labels.items() if "-x-" not in tag]
        return (
            f"`{entry.code}`", entry.en, entry.es, "; ".join(regional),
            entry.labels.get("es-x-person", ""),
        )  # fmt: skip

    yield from table(
        ("state", "en", "es", "regional", "to the person"), map(row, code_list(list_id).codes)
    )


def configuration() -> str:
    services: tuple[tuple[str, type[ServiceSettings]], ...] = (
        ("Node", NodeSettings),
        ("Gateway", GatewaySettings),
        ("Issuer", AuthSettings),
    )

    def lines() -> Iterator[str]:
        yield (
            "A setting is an environment variable, or a key in lower case without the prefix in the TOML file that "
            "`<PREFIX>CONFIG` names; the environment wins. A variable that begins with a service's prefix and is no "
            "setting stops the service from starting, and the message names the nearest one."
        )
        yield ""
        for name, settings in services:
            yield f"## {name}"
            yield ""
            yield from settings_of(settings)

    return page("Configuration", "the settings classes of the services", lines())


def settings_of(settings: type[ServiceSettings]) -> Iterator[str]:
    prefix = str(settings.model_config.get("env_prefix"))
    schema = settings.model_json_schema()["properties"]
    for name, field in settings.model_fields.items():
        yield f"### {prefix}{name.upper()}"
        yield ""
        yield str(field.description)
        yield ""
        default = "required" if field.is_required() else f"default: {default_words(field.default)}"
        yield f"{type_words(schema[name])}; {default}."
        yield ""
    yield f"### {prefix}CONFIG"
    yield ""
    yield "A TOML file with any of these."
    yield ""
    yield "path; default: none."
    yield ""


def default_words(value: object) -> str:
    if value is None:
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def type_words(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(type_words(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return "one of " + code(schema["enum"])
    words = "path" if schema.get("format") == "path" else str(schema.get("type", "text"))
    words = {"string": "text", "boolean": "`true` or `false`", "array": "JSON list"}.get(
        words, words
    )
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    if low is not None:
        open_end = "above " if "exclusiveMinimum" in schema else ""
        words += f", {open_end}{low} to {schema['maximum']}"
    return words


def scopes() -> str:
    def lines() -> Iterator[str]:
        yield (
            "What a token may do, `resource:action`. Deny by default: a client lists those it needs. A scope is "
            "never enough: the resource must also be the caller's to touch. A client with the mandate "
            "`enforcement` gets `handovers:submit` and no other."
        )
        yield ""
        for scope, description in SCOPE_DESCRIPTIONS.items():
            yield f"## {scope}"
            yield ""
            yield description
            yield ""

    return page("Scopes", "contracts/relevo/contracts/scopes.py", lines())


def message_types() -> str:
    def lines() -> Iterator[str]:
        yield (
            "What travels sealed between nodes. *content* needs live grants at every hop. *control* holds no "
            "personal data, and consent never blocks it. *request* is asked by a third party and carries the "
            "reference code. Refusals are no message type: they travel back as receipts "
            "([decision 0011](../decisions/0011-refusals-travel-as-receipts.md))."
        )
        yield ""
        for kind in MESSAGE_TYPES.values():
            yield f"## {kind.id}"
            yield ""
            yield kind.summary
            yield ""
            said, of_field = explained(kind.body)
            yield f"* class: {kind.message_class}{'; overtakes everything that waits' if kind.urgent else ''}"
            yield f"* specification: `{kind.spec_uri}`"
            yield ""
            yield said
            yield ""
            yield from table(
                ("field", "required", "meaning"),
                (
                    (
                        f"`{name}`",
                        "yes" if field.is_required() else "",
                        field.description or of_field.get(name, ""),
                    )
                    for name, field in kind.body.model_fields.items()
                ),
            )

    return page("Message types", "contracts/relevo/contracts/message_types/", lines())


def explained(model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """What a model's docstring says of it, and of each of its fields."""
    said, _, attributes = inspect.cleandoc(model.__doc__ or "").partition("Attributes:\n")
    found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", attributes, re.MULTILINE)
    return " ".join(said.split()), {name: " ".join(text.split()) for name, text in found}


PAGES: Final[dict[str, Callable[[], str]]] = {
    "problems.md": problems,
    "lifecycles.md": lifecycles,
    "reference/configuration.md": configuration,
    "reference/scopes.md": scopes,
    "reference/message-types.md": message_types,
    "reference/vocabularies.md": vocabularies,
    "reference/code-maps.md": code_maps,
    "reference/pathways.md": pathway_pages,
    "reference/pathway-file.md": pathway_file_page,
    "reference/triage.md": triage_pages,
    "reference/manifests.md": manifest_page,
}


def main() -> None:
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), "utf-8")


if __name__ == "__main__":
    main()
