"""The institutions that tests speak of, and the hour at which they begin."""

from datetime import UTC, datetime
from typing import Any

from relevo.contracts.institution import InstitutionProfile, Unit
from relevo.contracts.message_types.registry import MESSAGE_TYPES

START = datetime(2026, 3, 2, 16, 40, tzinfo=UTC)
SHELTER = "mx.albergue-tapachula"
INSTITUTE = "gt.igm"
RECEPTION = "gt.igm.crr"
CONSULATE = "gt.consulado-tapachula"
PGN = "gt.pgn"
SAFE_HOUSE = "gt.refugio-ambar"
AUTHORITY = "mx.pprotnna-chiapas"
ALTERNATE = "mx.pprotnna-federal"
COMMITTEE = "hn.comite-familias"
COMMISSION = "mx.cnb"
FAMILIES_ABROAD = "mx.ipam"
LAWYERS = "us.clinica-sonora"
GATEWAY = "gateway.mx"


def a_profile(institution: str) -> InstitutionProfile:
    country = institution[:2].upper()
    kinds: dict[str, dict[str, Any]] = {
        SHELTER: {"type": "shelter", "mandates": ["shelter", "humanitarian_assistance"]},
        INSTITUTE: {
            "type": "migration_institute",
            "mandates": ["returnee_reception"],
            "units": [
                Unit(id=RECEPTION, name="Recepción", mandates=["returnee_reception"]),
                Unit(id="gt.igm.car", name="Atención", mandates=["labour_insertion"]),
                Unit(id="gt.igm.control", name="Control", mandates=["enforcement"]),
            ],
        },
        "mx.casa-del-migrante": {"type": "ngo", "mandates": ["returnee_reception", "shelter"]},
        CONSULATE: {"type": "consulate", "mandates": ["consular_protection"]},
        PGN: {"type": "child_protection_authority", "mandates": ["child_protection"]},
        COMMITTEE: {
            "type": "migrant_organisation",
            "mandates": ["support_to_families_of_missing"],
        },
        COMMISSION: {"type": "search_commission", "mandates": ["missing_migrant_search"]},
        FAMILIES_ABROAD: {
            "type": "migrant_attention_office",
            "mandates": ["repatriation_of_remains", "family_services"],
        },
        AUTHORITY: {"type": "child_protection_authority", "mandates": ["child_protection"]},
        ALTERNATE: {"type": "child_protection_authority", "mandates": ["child_protection"]},
        LAWYERS: {"type": "law_firm_or_legal_clinic", "mandates": ["legal_aid"]},
        SAFE_HOUSE: {"type": "shelter", "mandates": ["gbv_services", "child_protection"]},
    }
    return InstitutionProfile(
        institution=institution,
        name=institution,
        country=country,
        message_types=list(MESSAGE_TYPES),
        delivery="push",
        node_url=f"https://{institution}.example",
        **kinds.get(institution, {"type": "ngo", "mandates": ["returnee_reception"]}),
    )
