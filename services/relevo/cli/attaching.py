"""Files on the command line: `foto.pdf:birth_certificate`, or with whose it is and what it is about."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relevo.client.attachments import read_file
from relevo.client.relevo import Relevo
from relevo.contracts.referral import Referral

from .failures import CommandError
from .output import note, say

_FORM = "FILE:DOCUMENT, FILE:DOCUMENT:PERSON or FILE:DOCUMENT:PERSON:CATEGORY"

_HELD = frozenset({"leaving", "sent", "here"})


def attach(
    relevo: Relevo, document: dict[str, Any], wanted: Sequence[str] | None
) -> dict[str, Any]:
    """The document, which says of whom it is, with these files, uploaded.

    Raises:
        CommandError: One is not there, is of no known kind, or it is not said whose it is.
    """
    if not wanted:
        return document
    persons = document.get("persons")
    known = (
        [str(one.get("person_id")) for one in persons if isinstance(one, dict)]
        if isinstance(persons, list)
        else []
    )
    held = document.get("attachments")
    before = held if isinstance(held, list) else []
    return {**document, "attachments": [*before, *_uploaded(relevo, wanted, known)]}


def attach_to_outcome(
    relevo: Relevo, referral_id: str, wanted: Sequence[str] | None
) -> list[dict[str, str]]:
    """Files that go back with the outcome of a referral: its persons are known by their place in it.

    Raises:
        CommandError: As `attach` does.
    """
    if not wanted:
        return []
    persons = relevo.referrals.get(referral_id).persons
    return _uploaded(relevo, wanted, [str(place) for place in range(1, len(persons) + 1)])


def _uploaded(
    relevo: Relevo, wanted: Sequence[str], persons: Sequence[str]
) -> list[dict[str, str]]:
    files = [_described(one, persons) for one in wanted]
    return [{**said, "upload": _upload(relevo, path)} for path, said in files]


def _upload(relevo: Relevo, path: Path) -> str:
    held = relevo.attachments.upload(*_read(path))
    if held.metadata == "removed":
        note(f"{path.name}: goes without what a camera or a program had written into it.")
    elif held.metadata == "kept":
        note(f"{path.name}: is signed, so what a program had written into it goes along.")
    return held.id


def _described(said: str, persons: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """A file, and what is said of it. A path may hold colons of its own."""
    parts = said.split(":")
    for count in range(len(parts) - 1, 0, -1):
        path = Path(":".join(parts[:count]))
        if path.is_file():
            break
    else:
        raise CommandError(f"{said}: no such file, or not {_FORM}.")
    rest = parts[count:]
    if len(rest) > 3 or not all(rest):
        raise CommandError(f"{said}: not {_FORM}.")
    about = dict(zip(("document", "person_id", "category"), rest, strict=False))
    if "person_id" not in about:
        if len(persons) != 1:
            raise CommandError(f"{said}: say whose it is, as FILE:DOCUMENT:PERSON.")
        about["person_id"] = persons[0]
    return path, about


def _read(path: Path) -> tuple[bytes, str]:
    try:
        return read_file(path)
    except ValueError as error:
        raise CommandError(f"{path}: {error}.") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None


def save_all(relevo: Relevo, referral: Referral, folder: Path) -> None:
    """Downloads the files of a referral that are here; says of the others where they are."""
    if not referral.attachments:
        note("No files go with it.")
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(referral.attachments, start=1):
        if one.state not in _HELD:
            note(f"{one.document}: {one.state}.")
            continue
        found = relevo.attachments.download(referral.id, one)
        path = folder / f"{number:02d}-{found.name}"
        path.write_bytes(found.content)
        say(str(path))
