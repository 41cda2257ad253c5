"""What stands in the ledger, as bytes."""

import json
import secrets
from datetime import datetime
from typing import Any

from relevo.contracts.receipt import ReceiptKind


def receipt_leaf(
    *,
    kind: ReceiptKind,
    gateway: str,
    message_id: str,
    digest: str,
    at: datetime,
    problem: str | None = None,
) -> bytes:
    """The bytes of `ReceiptLeaf.leaf_bytes`, without building the model: a hundred a batch."""
    return _canonical(
        {
            "at": moment(at),
            "digest": digest,
            "gateway": gateway,
            "kind": kind,
            "message_id": message_id,
            "problem": problem,
            "salt": secrets.token_hex(16),
        }
    )


def institution_leaf(
    *,
    gateway: str,
    institution: str,
    state: str,
    fingerprint: str,
    key_set_digest: str,
    at: datetime,
) -> bytes:
    """That an institution's entry changed, so that it can watch its own through another gateway."""
    return _canonical(
        {
            "at": moment(at),
            "fingerprint": fingerprint,
            "gateway": gateway,
            "institution": institution,
            "key_set_digest": key_set_digest,
            "kind": "institution",
            "salt": secrets.token_hex(16),
            "state": state,
        }
    )


def moment(at: datetime) -> str:
    """As the contract writes moments."""
    return at.isoformat().replace("+00:00", "Z")


def _canonical(claims: dict[str, Any]) -> bytes:
    return json.dumps(claims, sort_keys=True, separators=(",", ":")).encode()
