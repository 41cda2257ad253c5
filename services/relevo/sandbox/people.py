"""Tomasa, who does not exist, and what she allowed: the main story's input as systems send it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

NAMES: Final = ("Tomasa", "Temaj", "Coronado", "0000-1204", "milpa")
"""Words of her record that nobody but sender and receiver may ever hold in the clear."""


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def tomasa(person_id: str = "T-1", **sections: Any) -> dict[str, Any]:
    """Her record as the shelter's system holds it; more than the shelter shares."""
    return {
        "person_id": person_id,
        "case_profile": "returned_or_deported",
        "identity": {
            "given_names": "Tomasa Isabel",
            "family_names": ["Temaj", "Coronado"],
            "birth_date": {"value": "1993", "precision": "year"},
            "sex": "female",
            "nationalities": ["GT"],
        },
        "identity_document": {
            "documents": [{"type": "national_id", "country": "GT", "state": "lost"}]
        },
        "contact": {"phones": ["+502 0000-1204"]},
        "location_municipality": {"country": "GT", "code": "GT-1204", "name": "Comitancillo"},
        "family": {"household": "adult_alone", "summary": "Tiene una hija en Comitancillo."},
        "travel_and_return": {
            "return_type": "independent_voluntary",
            "return_mode": "land_bus",
            "point_of_entry": "Tecún Umán",
        },
        "health": {"summary": "Sin novedades."},
        **sections,
    }


CALLER_SAYS_FIRST: Final = "la milpa ya espigó"
"""So that she knows who it is."""
SHARED: Final = ["identity", "contact", "location_municipality", "family", "travel_and_return"]


def consent_c1(now: datetime, person_id: str = "T-1", **changes: Any) -> dict[str, Any]:
    """C1 of the story: signed by herself, a Mam interpreter by telephone, valid 180 days."""
    given = now - timedelta(minutes=20)
    return {
        "person_id": person_id,
        "notice": {
            "id": "aviso-general",
            "version": "3",
            "language": "es",
            "channel": "read_aloud",
            "interpreter": {
                "language": "mam",
                "modality": "telephone",
                "is_adult": True,
                "person_agreed": True,
            },
            "copy_given": True,
        },
        "purposes": [
            "service_delivery",
            "identity_documentation",
            "follow_up",
            "status_enquiry",
        ],
        "categories": SHARED,
        "recipients": [
            {"party": "gt.igm.crr"},
            {"party": "gt.igm.car"},
            {"party": "gt.renap"},
            {"party": "gt.consulado-tapachula", "only": ["status", "follow_up"]},
        ],
        "denials": [{"described": "La familia del papá y las autoridades del pueblo"}],
        "given_by": {"capacity": "self"},
        "method": "signature",
        "given_at": moment(given),
        "valid_from": moment(given),
        "valid_until": moment(given + timedelta(days=180)),
        "contact_rules": {
            "only_numbers": ["+502 0000-1204"],
            "channels_refused": ["whatsapp"],
            "from_time": "17:00",
            "until_time": "20:00",
            "time_zone": "America/Guatemala",
            "introduce_as": "de la tienda de celulares",
            "pass_phrase": CALLER_SAYS_FIRST,
        },
        **changes,
    }


def referral_r1(consent_id: str | None, person_id: str = "T-1", **changes: Any) -> dict[str, Any]:
    """R1 of the story: the shelter refers her to the reception centre."""
    return {
        "receiver": "gt.igm.crr",
        "pathway": "gt-retorno-al-hogar",
        "triage": "green",
        "purpose": "service_delivery",
        "needs": [
            {"service": "safe_transport_accompanied"},
            {"service": "national_id"},
            {"service": "psychological_first_aid"},
        ],
        "persons": [tomasa(person_id)],
        "share": SHARED,
        "consent_ids": [] if consent_id is None else [consent_id],
        "local_reference": "albergue-2026-0417",
        **changes,
    }


def counter_referral(now: datetime) -> dict[str, Any]:
    """What the reception centre reports: done, pending, and one need that nobody had known."""
    return {
        "outcome": "partially_delivered",
        "services": [
            {"service": "safe_transport_accompanied", "delivered_at": moment(now)},
            {"service": "water_hygiene_kit", "delivered_at": moment(now)},
            {"service": "psychological_first_aid", "delivered_at": moment(now)},
        ],
        "remaining_needs": [{"service": "national_id"}, {"service": "child_protection"}],
        "ended_at": moment(now),
    }
