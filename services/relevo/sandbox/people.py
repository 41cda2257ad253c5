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
            {
                "party": "gt.consulado-tapachula",
                "only": ["status", "follow_up"],
                "requested_by_person": True,
            },
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
    """What the reception centre reports: done, pending, and one need that nobody had known.

    Of her daughter it says that protection is needed and under way. What for is not the shelter's.
    """
    return {
        "outcome": "partially_delivered",
        "services": [
            {"service": "safe_transport_accompanied", "delivered_at": moment(now)},
            {"service": "water_hygiene_kit", "delivered_at": moment(now)},
            {"service": "psychological_first_aid", "delivered_at": moment(now)},
        ],
        "remaining_needs": [
            {"service": "national_id"},
            {"service": "child_protection", "already_referred": True},
        ],
        "ended_at": moment(now),
    }


FACTS: Final = ("Yesenia", "Maribel", "la golpea", "la maestra", "cerca de la escuela")
"""Words of what she says on arrival, and of the child it is about."""


def yesenia(person_id: str = "Y-1") -> dict[str, Any]:
    """Her daughter, who does not exist either, as the reception centre writes it down."""
    return {
        "person_id": person_id,
        "identity": {
            "given_names": "Yesenia Maribel",
            "family_names": ["Ramírez", "Temaj"],
            "birth_date": {"value": "2017", "precision": "year"},
            "sex": "female",
            "nationalities": ["GT"],
        },
        "child_data": {
            "child_care_status": "separated_with_relative",
            "summary": "Vive con el tío paterno, cerca de la escuela.",
        },
        "protection_concern": {
            "summary": "Por teléfono la maestra le dijo a la madre que el tío la golpea."
        },
        "location_municipality": {"country": "GT", "code": "GT-1204", "name": "Comitancillo"},
        "third_party_contact": {
            "relation": "madre",
            "name": "Tomasa Isabel Temaj Coronado",
            "phones": ["+502 0000-1204"],
        },
        "ethnicity_language": {"languages": ["mam"], "needs_interpreter": True},
    }


SHARED_OF_CHILD: Final = [
    "identity", "child_data", "protection_concern", "location_municipality", "third_party_contact",
]  # fmt: skip


def consent_c2(now: datetime, person_id: str = "Y-1") -> dict[str, Any]:
    """C2 of the story: her mother signs for Yesenia, and lets one authority know, no one else."""
    return {
        **consent_c1(now, person_id),
        "purposes": ["child_protection"],
        "categories": SHARED_OF_CHILD,
        "recipients": [{"party": "gt.pgn"}],
        "denials": [{"described": "La familia del papá"}],
        "given_by": {"capacity": "guardian", "relation": "mother", "evidence": "declared"},
        "notice": {
            "id": "aviso-ninez",
            "version": "1",
            "language": "es",
            "channel": "read_aloud",
            "interpreter": {
                "language": "mam",
                "modality": "in_person",
                "is_adult": True,
                "person_agreed": True,
            },
            "copy_given": True,
            # Read to her before she said a word: this institute also has a unit that enforces.
            "before_statements": {
                "told_at": moment(now - timedelta(minutes=40)),
                "also_enforces": ["gt.igm.control"],
            },
        },
    }


def referral_r2(consent_id: str, part_of: str, person_id: str = "Y-1") -> dict[str, Any]:
    """R2 of the story: the reception centre refers the child to the protection authority."""
    return {
        "receiver": "gt.pgn",
        "pathway": "gt-child-protection-referral",
        "triage": "red",
        "purpose": "child_protection",
        "needs": [{"service": "child_protection"}, {"service": "best_interests_assessment"}],
        "persons": [yesenia(person_id)],
        "share": SHARED_OF_CHILD,
        "consent_ids": [consent_id],
        "part_of": part_of,
    }


def measure_granted(now: datetime) -> dict[str, Any]:
    """What the authority reports back: the outcome, and nothing of what it found."""
    return {
        "outcome": "protection_measure_granted",
        "services": [{"service": "child_protection", "delivered_at": moment(now)}],
        "ended_at": moment(now),
    }
