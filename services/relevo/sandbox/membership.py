"""What people do before the first message: gateways agree, institutions are approved, systems registered.

By the operations that the command line uses; no shortcut into any database.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from relevo.assembly import gateway_process, issuer_clients, node_process
from relevo.auth.domain.client import ClientRegistration
from relevo.servicekit import jose

from .cast import SystemClient
from .places import GatewayPlace, NodePlace
from .systems import LocalSystem

APPROVERS: Final = ("Ana Lucía Xol", "Marvin Tzoc")
"""Two invented persons of each gateway."""


def agree(places: Iterable[GatewayPlace], others: Iterable[GatewayPlace]) -> None:
    """Each of the first notes an agreement with each of the others."""
    cards = {
        other.name: gateway_process.card(other.settings, agreement="Sandbox agreement")
        for other in others
    }
    for place in places:
        for name, card in cards.items():
            if name != place.name:
                gateway_process.add_peer(place.settings, card, by=APPROVERS[0], auth=place.auth)


def join(place: NodePlace, request: str, home: GatewayPlace) -> None:
    """Two persons approve an institution, and its node joins its gateway."""
    approvals = [
        gateway_process.approve(home.settings, request, by=person, auth=home.auth)
        for person in APPROVERS
    ]
    welcome = approvals[-1].welcome
    if welcome is None:
        raise RuntimeError(f"{place.name} is not active after two approvals")
    node_process.join(place.settings, welcome, place.auth)


def pin(place: NodePlace, fingerprints: Mapping[str, str]) -> None:
    """Identity keys of other institutions, confirmed by telephone."""
    for institution, fingerprint in fingerprints.items():
        node_process.pin(
            place.settings,
            institution,
            fingerprint,
            by="telephone call between the two institutions",
        )


def register(
    place: NodePlace | GatewayPlace,
    client: SystemClient,
    key_file: Path,
    *,
    institution: str | None = None,
) -> LocalSystem:
    """A system at the issuer beside a node or a gateway, with a key of its own.

    Args:
        place: What it calls.
        client: What it is and may do.
        key_file: Where its private key is kept.
        institution: Whose system it is, if not that place's own.
    """
    key = jose.generate_signing_key()
    jose.save_key(key_file, key)
    registration = ClientRegistration.model_validate(
        {
            "client_id": client.client_id,
            "institution": institution or place.name,
            "unit": client.unit,
            "mandates": client.mandates,
            "scopes": client.scopes,
            "audiences": (place.base_url,),
            "jwks": issuer_clients.key_set(jose.public_jwk(key)),
        }
    )
    issuer_clients.register(place.auth, registration, by="sandbox")
    return LocalSystem(
        client.client_id,
        key,
        node=place.base_url,
        address=place.address,
        scopes=[scope.value for scope in client.scopes],
    )
