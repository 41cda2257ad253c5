"""Who takes part in a sandbox. The persons are invented, and nothing told of any institution happened.

Public institutions keep their names because the pathways are theirs; the shelter is fictional.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from relevo.contracts.identifiers import country_of
from relevo.contracts.institution import InstitutionProfile
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.scopes import Scope


@dataclass(frozen=True)
class SystemClient:
    """One system of an institution, as its issuer knows it."""

    client_id: str
    does: str
    scopes: tuple[Scope, ...]
    mandates: tuple[str, ...] = ()
    unit: str | None = None


@dataclass(frozen=True)
class Institution:
    """An institution with a node of its own."""

    id: str
    name: str
    type: str
    gateway: str
    mandates: tuple[str, ...]
    systems: tuple[SystemClient, ...]
    units: tuple[Mapping[str, Any], ...] = ()
    has_weak_link: bool = False
    delivery: Literal["push", "mailbox"] = "push"
    child_protection_authority: str | None = None
    child_protection_alternate: str | None = None

    def profile(self, node_url: str) -> InstitutionProfile:
        return InstitutionProfile.model_validate(
            {
                "institution": self.id,
                "name": self.name,
                "country": country_of(self.id),
                "type": self.type,
                "mandates": list(self.mandates),
                "units": list(self.units),
                "message_types": sorted(MESSAGE_TYPES),
                "delivery": self.delivery,
                # Nobody outside an institution that fetches learns where its node is.
                "node_url": node_url if self.delivery == "push" else None,
            }
        )


GATEWAYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"gateway.mx": ("MX",), "gateway.gt": ("GT", "HN")}
)
"""Each gateway with the countries whose institutions are at home there."""

SHELTER: Final = Institution(
    id="mx.albergue-tapachula",
    name="Albergue Puente de Luz",
    type="shelter",
    gateway="gateway.mx",
    mandates=("shelter", "humanitarian_assistance"),
    has_weak_link=True,
    systems=(
        SystemClient(
            client_id="mx.albergue-tapachula.cases",
            does="The shelter's case system: records consent, refers, follows what it sent.",
            scopes=(
                Scope.CONSENTS_WRITE,
                Scope.CONSENTS_READ,
                Scope.REFERRALS_SUBMIT,
                Scope.REFERRALS_READ,
                Scope.EVENTS_READ,
                Scope.DIRECTORY_READ,
            ),
            mandates=("shelter",),
        ),
    ),
)
INSTITUTE: Final = Institution(
    id="gt.igm",
    name="Instituto Guatemalteco de Migración",
    type="migration_institute",
    gateway="gateway.gt",
    mandates=("migration_procedures", "returnee_reception"),
    units=(
        {
            "id": "gt.igm.crr",
            "name": "Centro de Recepción de Retornados",
            "mandates": ["returnee_reception", "labour_insertion"],
        },
        {
            "id": "gt.igm.car",
            "name": "Centro de Atención y Registro",
            "mandates": ["returnee_reception"],
        },
        # In the directory, so that nobody takes it for something else. It has no client.
        {"id": "gt.igm.control", "name": "Control migratorio", "mandates": ["enforcement"]},
    ),
    systems=(
        SystemClient(
            client_id="gt.igm.crr.desk",
            does="The reception centre's desk: learns of referrals, answers them, refers on what it finds.",
            scopes=(
                Scope.REFERRALS_READ,
                Scope.REFERRALS_RESPOND,
                Scope.REFERRALS_SUBMIT,
                Scope.CONSENTS_WRITE,
                Scope.FOLLOW_UPS_RESPOND,
                Scope.FOLLOW_UPS_READ,
                Scope.EVENTS_READ,
            ),
            mandates=("returnee_reception",),
            unit="gt.igm.crr",
        ),
        SystemClient(
            client_id="gt.igm.car.desk",
            does="Another unit of the institute: does not see the reception centre's referrals.",
            scopes=(Scope.REFERRALS_READ, Scope.REFERRALS_RESPOND, Scope.EVENTS_READ),
            mandates=("returnee_reception",),
            unit="gt.igm.car",
        ),
    ),
)
CONSULATE: Final = Institution(
    id="gt.consulado-tapachula",
    name="Consulado de Guatemala en Tapachula",
    type="consulate",
    gateway="gateway.gt",
    mandates=("consular_protection",),
    systems=(
        SystemClient(
            client_id="gt.consulado-tapachula.officer",
            does="The consular officer: asks by reference code for a referral's state, and for follow-up.",
            scopes=(
                Scope.REFERRALS_STATUS,
                Scope.FOLLOW_UPS_REQUEST,
                Scope.FOLLOW_UPS_READ,
            ),
            mandates=("consular_protection",),
        ),
    ),
)
PROTECTION: Final = Institution(
    id="gt.pgn",
    name="Procuraduría General de la Nación",
    type="child_protection_authority",
    gateway="gateway.gt",
    mandates=("child_protection",),
    delivery="mailbox",
    systems=(
        SystemClient(
            client_id="gt.pgn.desk",
            does="The child protection authority's desk. Its node has no open port: it fetches.",
            scopes=(Scope.REFERRALS_READ, Scope.REFERRALS_RESPOND, Scope.EVENTS_READ),
            mandates=("child_protection",),
        ),
    ),
)
NOT_NAMED: Final = Institution(
    id="hn.camr-sps",
    name="Centro de Atención al Migrante Retornado, San Pedro Sula",
    type="foreign_ministry",
    gateway="gateway.gt",
    mandates=("returnee_reception",),
    systems=(
        SystemClient(
            client_id="hn.camr-sps.desk",
            does="A reception centre in Honduras that nobody named in this story.",
            scopes=(
                Scope.REFERRALS_STATUS,
                Scope.FOLLOW_UPS_REQUEST,
                Scope.REFERRALS_READ,
                Scope.EVENTS_READ,
            ),
            mandates=("returnee_reception",),
        ),
    ),
)

INSTITUTIONS: Final = (SHELTER, INSTITUTE, CONSULATE, PROTECTION, NOT_NAMED)
PINS: Final = (
    (SHELTER.id, INSTITUTE.id),
    (INSTITUTE.id, SHELTER.id),
    (INSTITUTE.id, PROTECTION.id),
    (PROTECTION.id, INSTITUTE.id),
    (SHELTER.id, NOT_NAMED.id),
    # A result comes from the institute, under a slice that the shelter signed.
    (CONSULATE.id, INSTITUTE.id),
    (CONSULATE.id, SHELTER.id),
    (INSTITUTE.id, CONSULATE.id),
)
"""Who has confirmed whose identity key, by telephone."""
