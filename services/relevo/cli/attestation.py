"""`relevo attestation …`: attest to a person what a record shows, print it, verify it without a network."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from relevo.client.relevo import Relevo
from relevo.contracts.attestation import (
    KINDS,
    LABELS,
    MAX_PRESENTATION_CHARS,
    AttestationInput,
    RevocationReason,
    TrustedIssuers,
    Verdict,
)
from relevo.contracts.vocabularies.loader import code_list
from relevo.servicekit import attestations

from .calling import IdempotencyKey, calling
from .failures import CommandError
from .files import as_json, read_json, write_text
from .output import MARKUP, note, say

app = typer.Typer(rich_markup_mode=MARKUP, no_args_is_help=True)

_FOUND: Final = {
    "valid": "Valid: {issuer} signed this, and nothing in it was changed.",
    "expired": "Expired: {issuer} signed this, and its time is over.",
    "not_yet_valid": "Not valid yet: {issuer} signed this for a later date. Is the clock here right?",
    "revoked": "Revoked: {issuer} signed this and took it back.",
    "unknown_issuer": "Unknown issuer: the file of keys does not hold whoever is said to have signed, or not that key.",
    "not_genuine": "Not genuine: this is no attestation, or somebody changed it.",
}
_REVOCATION: Final = {
    "checked": "The list of revoked numbers was checked; it is of {as_of}.",
    "stale": "The list of revoked numbers is OLD, of {as_of}: what was revoked since is not known. Get a newer "
    "file of keys with relevo attestation keys --institution {issuer}.",
    "unknown": "Whether it was revoked is NOT KNOWN: the file of keys holds no list of this issuer. Get one with "
    "relevo attestation keys --institution {issuer}.",
}

AttestationId = Annotated[str, typer.Argument(help="The attestation's id.")]
Show = Annotated[
    list[str] | None,
    typer.Option(
        help="A claim that its holder chose to show; repeat for more. The least unless given."
    ),
]
Nothing = Annotated[bool, typer.Option("--show-nothing", help="Issuer, type and dates alone.")]
OutFile = Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")]


@app.command()
@calling
def issue(
    relevo: Relevo,
    attestation_type: Annotated[str, typer.Argument(metavar="TYPE", help=", ".join(KINDS))],
    subject: Annotated[str, typer.Argument(help="Id of the returnee, referral or consent.")],
    person: Annotated[
        int | None, typer.Option(help="Which person of a referral, counted from 1.")
    ] = None,
    dated: Annotated[str | None, typer.Option(help="Of a document: its date.")] = None,
    sha256: Annotated[str | None, typer.Option(help="Of a document: its SHA-256.")] = None,
    valid_days: Annotated[int | None, typer.Option(help="365 unless given.")] = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Attest what a record shows. Prints where it stands, as JSON."""
    kind = KINDS.get(attestation_type)
    if kind is None:
        raise CommandError(f"{attestation_type}: one of {', '.join(KINDS)}.")
    asked: dict[str, Any] = {"type": attestation_type, f"{kind.about}_id": subject}
    if dated is not None or sha256 is not None:
        asked["document"] = {"dated": dated, "sha256": sha256}
    asked |= {} if person is None else {"person": person}
    asked |= {} if valid_days is None else {"valid_days": valid_days}
    try:
        AttestationInput.model_validate(asked)
    except ValidationError as error:
        wrong = "; ".join(str(one["msg"]) for one in error.errors(include_input=False))
        raise CommandError(f"{wrong}.") from None
    say(as_json(relevo.attestations.issue(asked, key=idempotency_key)))


@app.command()
@calling
def show(relevo: Relevo, attestation_id: AttestationId) -> None:
    """Print where an attestation stands and what it can show, as JSON."""
    say(as_json(relevo.attestations.get(attestation_id)))


@app.command()
@calling
def present(
    relevo: Relevo, attestation_id: AttestationId, show: Show = None, nothing: Nothing = False
) -> None:
    """Print what its holder hands over: the text of the code, with what she chose to show."""
    chosen = [] if nothing else show or None
    say(relevo.attestations.present(attestation_id, show=chosen).presentation)


@app.command("print")
@calling
def print_page(
    relevo: Relevo,
    attestation_id: AttestationId,
    output: Annotated[Path, typer.Option("--output", "-o", help="The PDF to write.")],
    show: Show = None,
    nothing: Nothing = False,
) -> None:
    """Write a page to print, as PDF, with what its holder chose to show."""
    chosen = [] if nothing else show or None
    output.write_bytes(relevo.attestations.print(attestation_id, show=chosen))
    say(str(output))


@app.command()
@calling
def revoke(
    relevo: Relevo,
    attestation_id: AttestationId,
    reason: Annotated[RevocationReason, typer.Option(help="Told to nobody outside.")],
) -> None:
    """End an attestation: its number joins the list of revoked ones."""
    done = relevo.attestations.revoke(attestation_id, reason)
    say(f"{done.folio} is {done.state}.")


@app.command()
@calling
def keys(
    relevo: Relevo,
    institution: Annotated[
        list[str] | None, typer.Option(help="Another one whose key was confirmed; repeat for more.")
    ] = None,
    output: OutFile = None,
) -> None:
    """Export what `verify` needs where there is no network: signed entries and revoked numbers.

    Lists of other institutions come through the gateway; those that cannot be had are named.
    """
    document = relevo.attestations.keys(institution or ())
    trust = attestations.read_trust(document)
    now = datetime.now(UTC)
    for issuer in sorted(trust.issuers):
        known = trust.lists.get(issuer)
        if known is None:
            note(
                f"{issuer}: no list of revoked numbers was to be had. It may never have attested anything."
            )
        elif now.timestamp() >= attestations.lasts_until(known):
            note(f"{issuer}: its list of revoked numbers is old, and no newer one was to be had.")
    write_text(output, as_json(document))


@app.command()
def verify(
    attestation: Annotated[
        str, typer.Argument(metavar="FILE|-|TEXT", help="The code's text, or a file that holds it.")
    ],
    keys: Annotated[Path, typer.Option(help="A file that `relevo attestation keys` wrote.")],
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"], help="As of then; now unless given."
        ),
    ] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say whether an attestation is genuine and what it shows. Uses no network and tells nobody.

    Status 0: valid. Status 1: anything else.
    """
    try:
        document = TrustedIssuers.model_validate(read_json(keys))
    except ValidationError:
        raise CommandError(
            f"{keys} is no file of keys: relevo attestation keys writes one."
        ) from None
    except OSError as error:
        raise CommandError(f"{keys} cannot be read: {error.strerror}.") from None
    now = datetime.now(UTC) if at is None else at.replace(tzinfo=at.tzinfo or UTC)
    verdict = attestations.verify(_text(attestation), attestations.read_trust(document), now=now)
    if as_json_:
        say(as_json(verdict))
    else:
        _tell(verdict)
    if verdict.result != "valid":
        raise typer.Exit(1)


def _text(given: str) -> str:
    """The presentation itself; a file of that name counts before a text."""
    if given == "-":
        return sys.stdin.read(MAX_PRESENTATION_CHARS + 2).strip()
    if "~" in given:
        return given.strip()
    try:
        with Path(given).open("rb") as file:
            return file.read(MAX_PRESENTATION_CHARS + 2).decode("utf-8", "replace").strip()
    except OSError as error:
        raise CommandError(f"{given} cannot be read: {error.strerror}.") from None


def _tell(verdict: Verdict) -> None:
    say(_FOUND[verdict.result].format(issuer=verdict.issuer))
    if verdict.type is None or verdict.issued_at is None or verdict.valid_until is None:
        return
    say(f"type\t{code_list('attestation_type').label(verdict.type, 'en')} ({verdict.type})")
    say(f"number\t{verdict.folio}")
    say(f"issued\t{verdict.issued_at:%Y-%m-%d}")
    say(f"valid until\t{verdict.valid_until:%Y-%m-%d}")
    for name, value in verdict.shown.items():
        english = LABELS[name][1] if name in LABELS else name
        # JSON, so that a value cannot write lines of its own.
        plain = value if isinstance(value, str) and value.isprintable() else json.dumps(value)
        say(f"{english}\t{plain}")
    as_of = f"{verdict.revocation_as_of:%Y-%m-%d}" if verdict.revocation_as_of else ""
    note(_REVOCATION[verdict.revocation].format(as_of=as_of, issuer=verdict.issuer))
    note(f"Identity key of {verdict.issuer}: {verdict.fingerprint}")
