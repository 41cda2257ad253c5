"""May this pass? Cedar policies, parsed once, checked against the schema; decisions are remembered.

Cedar skips a `forbid` whose evaluation fails, so any diagnostic error is a deny here, and arithmetic,
the way to make one fail, is refused when policies are read.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import cedarpy

NO_POLICY: Final = "no-policy-permits"
LAWFUL_BASIS: Final = "lawful-basis"
UNKNOWN_TYPE: Final = "unknown"
"""Of a receiver whose gateway cannot be asked now; that gateway judges for itself."""
FAILED: Final = "policy-error"
MAX_REMEMBERED: Final = 10_000
_ARITHMETIC: Final = frozenset({"+", "-", "*", "neg"})


class PolicyFileError(ValueError):
    """Policies that do not fit the schema: the gateway must not start with them."""


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a message as policies see it. Frozen and hashable: part of a decision's key."""

    id: str
    country: str
    type: str
    mandates: frozenset[str]


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that a decision may depend on.

    Attributes:
        basis: `consent`, another basis that is named with its law, or `none`.
        lawful: Whether the packs of jurisdictions let that basis count here.
    """

    sender: Party
    receiver: Party
    message_class: str
    message_type: str
    purpose: str
    categories: tuple[str, ...]
    basis: str
    lawful: bool
    triage: str
    agreement: bool
    test: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` names the policy that fired, or why none did."""

    permitted: bool
    rule: str


class Policy:
    """The policies of one gateway."""

    def __init__(self, texts: Sequence[str]) -> None:
        text = "\n".join(texts)
        schema_text = _built_in("schema.cedarschema")
        try:
            result = cedarpy.validate_policies(text, schema_text)
            tree = json.loads(cedarpy.policies_to_json_str(text))
        except ValueError as error:
            raise PolicyFileError(f"policies cannot be read: {error}") from None
        if not result.validation_passed:
            faults = "; ".join(str(error) for error in result.errors)
            raise PolicyFileError(f"policies do not fit the schema: {faults}")
        if _uses_arithmetic(tree):
            raise PolicyFileError("policies must not calculate: an overflow would skip a forbid")
        self._policies = cedarpy.PolicySet.from_str(text)
        self._schema = cedarpy.Schema.from_str(schema_text)
        self._remembered: dict[Question, Decision] = {}

    @classmethod
    def load(cls, directory: Path | None) -> "Policy":
        """The built-in policies, and every `*.cedar` file of a directory beside them."""
        texts = [_built_in("default.cedar")]
        if directory is not None:
            texts += [file.read_text("utf-8") for file in sorted(directory.glob("*.cedar"))]
        return cls(texts)

    def decide(self, question: Question) -> Decision:
        """The decision, and the name of what fired."""
        known = self._remembered.get(question)
        if known is None:
            known = self._evaluate(question)
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[question] = known
        return known

    def _evaluate(self, question: Question) -> Decision:
        result = cedarpy.is_authorized(
            {
                "principal": {"type": "Party", "id": question.sender.id},
                "action": {"type": "Action", "id": "send"},
                "resource": {"type": "Party", "id": question.receiver.id},
                "context": {
                    "message_class": question.message_class,
                    "message_type": question.message_type,
                    "purpose": question.purpose,
                    "categories": list(question.categories),
                    "basis": question.basis,
                    "lawful": question.lawful,
                    "triage": question.triage,
                    "agreement": question.agreement,
                    "test": question.test,
                },
            },
            self._policies,
            # Once, when a unit writes to itself: Cedar refuses the same entity twice.
            [_entity(party) for party in {question.sender, question.receiver}],
            self._schema,
        )
        diagnostics = result.diagnostics
        if diagnostics.errors:
            return Decision(permitted=False, rule=FAILED)
        fired = sorted(diagnostics.id_annotations_by_reason.values()) or sorted(diagnostics.reasons)
        return Decision(permitted=result.allowed, rule=fired[0] if fired else NO_POLICY)


def _entity(party: Party) -> dict[str, Any]:
    return {
        "uid": {"type": "Party", "id": party.id},
        "attrs": {
            "country": party.country,
            "type": party.type,
            "mandates": sorted(party.mandates),
        },
        "parents": [],
    }


def _built_in(name: str) -> str:
    return (resources.files("relevo.gateway") / "policies" / name).read_text("utf-8")


def _uses_arithmetic(tree: Any) -> bool:
    if isinstance(tree, dict):
        return any(
            (key in _ARITHMETIC and isinstance(value, dict)) or _uses_arithmetic(value)
            for key, value in tree.items()
        )
    if isinstance(tree, list):
        return any(map(_uses_arithmetic, tree))
    return False
