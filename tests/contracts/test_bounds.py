"""Whatever comes from outside is bounded in every place, so that no input can grow without end."""

from collections.abc import Iterator
from typing import Any

import pytest

from relevo.contracts.consent import ConsentInput, Withdrawal
from relevo.contracts.envelope import Envelope, SealedContent
from relevo.contracts.exchange import GrantStatusQuestion, MessageBatch
from relevo.contracts.grant_slice import GrantSlice
from relevo.contracts.institution import (
    DirectoryEntry,
    KeySet,
    PeerGateway,
    Registration,
    SignedKeySet,
    Welcome,
)
from relevo.contracts.ledger import WitnessedCheckpoint
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.model import ContractModel
from relevo.contracts.referral import ReferralSubmission, Transition
from relevo.contracts.status import SignedStatusQuery, StatusQuery, StatusQuestion

FROM_OUTSIDE: list[type[ContractModel]] = [
    ConsentInput, DirectoryEntry, Envelope, GrantSlice, GrantStatusQuestion, KeySet, MessageBatch,
    PeerGateway, ReferralSubmission, Registration, SealedContent, SignedKeySet, SignedStatusQuery,
    StatusQuery, StatusQuestion, Transition, Welcome, Withdrawal, WitnessedCheckpoint,
    *(kind.body for kind in MESSAGE_TYPES.values()),
]  # fmt: skip

# A pattern without `*` or `+` outside bounds ends by itself.
ENDLESS = ("*", "+", ",}")


def unbounded(schema: Any, place: str = "") -> Iterator[str]:
    if isinstance(schema, list):
        for position, part in enumerate(schema):
            yield from unbounded(part, f"{place}/{position}")
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "array" and "maxItems" not in schema:
        yield f"{place}: array"
    if schema.get("type") == "string" and not (
        {"maxLength", "enum", "const"} & schema.keys()
        or schema.get("format") in {"date-time", "date", "uuid"}
        or ("pattern" in schema and not any(mark in schema["pattern"] for mark in ENDLESS))
    ):
        yield f"{place}: string"
    if schema.get("type") in {"integer", "number"} and not (
        {"maximum", "exclusiveMaximum", "enum", "const"} & schema.keys()
    ):
        yield f"{place}: number"
    for name in ("items", "prefixItems", "anyOf", "allOf", "oneOf", "additionalProperties"):
        yield from unbounded(schema.get(name), f"{place}/{name}")
    for name in ("properties", "$defs"):
        for field, part in schema.get(name, {}).items():
            yield from unbounded(part, f"{place}/{field}")


@pytest.mark.parametrize("model", FROM_OUTSIDE, ids=lambda model: model.__name__)
def test_nothing_from_outside_is_without_bounds(model: type[ContractModel]) -> None:
    assert list(unbounded(model.model_json_schema(mode="validation"))) == []
