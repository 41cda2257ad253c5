"""What each kind of user can do with a running sandbox, as shell commands to copy."""

import json
import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from relevo.contracts.identifiers import reference_code

from . import people
from .network import Network

ENVIRONMENT_FILE: Final = "demo.env"
_USERS: Final = (
    ("SHELTER", "mx.albergue-tapachula", "mx.albergue-tapachula.cases"),
    ("INSTITUTE", "gt.igm", "gt.igm.crr.desk"),
    ("CONSULATE", "gt.consulado-tapachula", "gt.consulado-tapachula.officer"),
)
_GET: Final = 'curl -sS -H "authorization: Bearer $TOKEN"'
_POST: Final = f"{_GET} -H 'content-type: application/json' -H \"idempotency-key: $RANDOM-$RANDOM\""


@dataclass(frozen=True)
class Entry:
    """One kind of user, and commands that work as they are."""

    user: str
    commands: tuple[str, ...]


def write_examples(network: Network) -> Path:
    """Bodies to send, and a file for the shell that knows addresses and keys; gives that file."""
    folder = network.root / "examples"
    folder.mkdir(exist_ok=True)
    _write(folder / "consent.json", people.consent_c1(datetime.now(UTC)))
    _write(folder / "referral.json", people.referral_r1("CONSENT_ID"))
    _write(folder / "status.json", {"reference_code": reference_code("MX", 0)})
    lines = [f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"]
    for name, institution, client in _USERS:
        lines.append(f"{name}={network.nodes[institution].base_url}")
        lines.append(f"{name}_KEY={shlex.quote(str(network.key_file(client).absolute()))}")
    for gateway in network.gateways.values():
        name = gateway.name.upper().replace(".", "_")
        lines.append(f"{name}={gateway.base_url}")
        lines.append(f"{name}_CONFIG={shlex.quote(str(gateway.config.absolute()))}")
    environment = network.root / ENVIRONMENT_FILE
    environment.write_text("\n".join(lines) + "\n", "utf-8")
    return environment


def guide(network: Network) -> list[Entry]:
    """Commands for each kind of user, after `write_examples`."""
    examples = shlex.quote(str(network.root / "examples"))
    return [
        Entry(
            "In another terminal, first of all",
            (f". {shlex.quote(str(network.root / ENVIRONMENT_FILE))}",),
        ),
        Entry(
            "The shelter's case system records what Tomasa allows, then refers her",
            (
                _token(network, "SHELTER"),
                f"CONSENT=$({_POST} $SHELTER/v1/consents -d @{examples}/consent.json | relevo field id)",
                (
                    f"sed s/CONSENT_ID/$CONSENT/ {examples}/referral.json | "
                    f"{_POST} $SHELTER/v1/referrals -d @-"
                ),
            ),
        ),
        Entry(
            "The reception centre's desk learns what is new and reads what arrived",
            (
                _token(network, "INSTITUTE"),
                f'{_GET} "$INSTITUTE/v1/events?after=0"',
                f'{_GET} "$INSTITUTE/v1/referrals?role=receiver"',
            ),
        ),
        Entry(
            "The consular officer asks a state by reference code; this one does not exist",
            (
                _token(network, "CONSULATE"),
                f"{_POST} $CONSULATE/v1/status-queries -d @{examples}/status.json",
            ),
        ),
        Entry(
            "The gateway's people see whether it can do its job, and suspend an institution",
            (
                "curl -sS $GATEWAY_GT/readyz",
                "relevo gateway suspend hn.camr-sps --config $GATEWAY_GT_CONFIG",
                "relevo gateway resume hn.camr-sps --config $GATEWAY_GT_CONFIG",
            ),
        ),
    ]


def _token(network: Network, name: str) -> str:
    client = next(client for known, _, client in _USERS if known == name)
    scopes = " ".join(f"--scope {scope}" for scope in network.systems[client].scopes)
    return f"TOKEN=$(relevo token --issuer ${name} --client {client} --key ${name}_KEY {scopes})"


def _write(path: Path, body: Any) -> None:
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", "utf-8")
