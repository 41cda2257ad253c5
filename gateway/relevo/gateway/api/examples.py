"""Examples for OpenAPI that several modules show."""

from typing import Any, Final

LISTED: Final[dict[str, Any]] = {
    "institution": "gt.igm",
    "name": "Instituto Guatemalteco de Migración",
    "country": "GT",
    "type": "migration_institute",
    "mandates": ["returnee_reception"],
    "units": [
        {"id": "gt.igm.crr", "name": "Centro de Recepción", "mandates": ["returnee_reception"]}
    ],
    "message_types": ["referral.submitted/1"],
    "delivery": "push",
    "state": "active",
    "gateway": "gateway.gt",
    "fingerprint": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "updated_at": "2026-03-01T09:00:00Z",
    "watches": ["gt-izabal-health"],
}
