"""What each kind of user can do with a running sandbox, as shell commands to copy."""

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from relevo.contracts.identifiers import reference_code

from . import people
from .network import Network

_ID_OF: Final = """python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])'"""


@dataclass(frozen=True)
class Entry:
    """One kind of user, and commands that work as they are."""

    user: str
    commands: tuple[str, ...]


def guide(network: Network) -> list[Entry]:
    """Commands for each kind of user; their bodies lie as files in the sandbox's folder."""
    folder = network.root / "examples"
    folder.mkdir(exist_ok=True)
    consent = _file(folder / "consent.json", people.consent_c1(datetime.now(UTC)))
    referral = _file(folder / "referral.json", people.referral_r1("CONSENT_ID"))
    question = _file(folder / "status.json", {"reference_code": reference_code("MX", 0)})
    gateway = network.gateways["gateway.gt"]
    relevo = Path(sys.executable).with_name("relevo")
    return [
        Entry(
            "The shelter's case system records what Tomasa allows, then refers her",
            (
                _token(network, "mx.albergue-tapachula.cases", "SHELTER"),
                f"CONSENT=$({_post(network, 'SHELTER', '/v1/consents', consent)} | {_ID_OF})",
                f"sed s/CONSENT_ID/$CONSENT/ {referral} | "
                + _post(network, "SHELTER", "/v1/referrals", "-"),
            ),
        ),
        Entry(
            "The reception centre's desk learns what is new and reads what arrived",
            (
                _token(network, "gt.igm.crr.desk", "DESK"),
                _get(network, "DESK", "/v1/events?after=0"),
                _get(network, "DESK", "/v1/referrals?role=receiver"),
            ),
        ),
        Entry(
            "The consular officer asks a state by reference code; this one does not exist: 404",
            (
                _token(network, "gt.consulado-tapachula.officer", "OFFICER"),
                _post(network, "OFFICER", "/v1/status-queries", question),
            ),
        ),
        Entry(
            "The gateway's people see whether it can do its job, and suspend an institution",
            (
                f"curl -sS {gateway.base_url}/readyz",
                f"{relevo} gateway suspend hn.camr-sps --config {gateway.config}",
                f"{relevo} gateway resume hn.camr-sps --config {gateway.config}",
            ),
        ),
    ]


_CLIENTS: Final = {
    "SHELTER": "mx.albergue-tapachula",
    "DESK": "gt.igm",
    "OFFICER": "gt.consulado-tapachula",
}


def _token(network: Network, client_id: str, variable: str) -> str:
    node = network.nodes[_CLIENTS[variable]]
    scopes = " ".join(f"--scope {scope}" for scope in network.systems[client_id].scopes)
    relevo = Path(sys.executable).with_name("relevo")
    return (
        f"{variable}=$({relevo} token --issuer {node.base_url} --client {client_id} "
        f"--key {network.key_file(client_id)} {scopes})"
    )


def _get(network: Network, variable: str, path: str) -> str:
    url = network.nodes[_CLIENTS[variable]].base_url + path
    return f"curl -sS -H \"authorization: Bearer ${variable}\" '{url}'"


def _post(network: Network, variable: str, path: str, body: str) -> str:
    url = network.nodes[_CLIENTS[variable]].base_url + path
    return (
        f'curl -sS -H "authorization: Bearer ${variable}" -H "idempotency-key: $RANDOM$RANDOM" '
        f"-H 'content-type: application/json' -d @{body} {url}"
    )


def _file(path: Path, body: Any) -> str:
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return str(path)
