"""What a case system sends: an ordinary referral of one person, about 2 KB."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

RECEIVER: Final = "gt.igm.crr"
CONSULATE: Final = "gt.consulado-tapachula"
_NOTE: Final = (
    "Llegó con la familia de su hermana; viaja sola desde Huixtla. Pide que se le llame por la "
    "tarde y que no se deje recado con terceros. Necesita orientación para reponer documentos. "
)


def a_consent() -> dict[str, Any]:
    """Consent of one invented person to what `a_submission` shares."""
    now = datetime.now(UTC)
    return {
        "person_id": "T-1",
        "notice": {"id": "general", "version": "3", "language": "es", "channel": "read_aloud"},
        "purposes": ["service_delivery", "identity_documentation"],
        "categories": ["identity", "contact", "location_municipality", "family"],
        "recipients": [
            {"party": RECEIVER},
            {"party": CONSULATE, "only": ["status", "follow_up"], "requested_by_person": True},
        ],
        "denials": [],
        "given_by": {"capacity": "self"},
        "method": "signature",
        "given_at": now.isoformat(),
        "valid_from": now.isoformat(),
        "valid_until": (now + timedelta(days=180)).isoformat(),
        "contact_rules": {"pass_phrase": "la milpa ya espigó"},
    }


def a_submission(consent_id: str) -> dict[str, Any]:
    """A referral to the reception centre under that consent."""
    return {
        "receiver": RECEIVER,
        "pathway": "gt-retorno-al-hogar",
        "triage": "green",
        "needs": [{"service": "safe_transport_accompanied"}, {"service": "national_id"}],
        "persons": [
            {
                "person_id": "T-1",
                "identity": {
                    "given_names": "Tomasa Isabel",
                    "family_names": ["Temaj", "Coronado"],
                    "birth_date": {"value": "1993", "precision": "year"},
                    "sex": "female",
                    "nationalities": ["GT"],
                },
                "contact": {"phones": ["+502 0000-1204", "+502 0000-1205"]},
                "family": {"summary": _NOTE * 3},
                "health": {"summary": _NOTE * 2},
            }
        ],
        "share": ["identity", "contact", "family"],
        "consent_ids": [consent_id],
    }
