"""Files of service directories: HSDS as JSON, as CSV tables, or as tables in a zip."""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from relevo.contracts.service_tables import Found, TableError, read_tables, table_name, write_tables
from relevo.servicekit import json_input

from .failures import CommandError

MOST_FILES: Final = 40
MOST_BYTES: Final = 20 * 1024 * 1024
"""Of all tables together, unpacked."""


def read_services(path: Path) -> list[Found]:
    """Documents of a file; what is in a zip is read, and never written anywhere.

    Raises:
        CommandError: It holds no services of HSDS.
    """
    try:
        if path.suffix.lower() == ".zip":
            return read_tables(_unpacked(path))
        if path.suffix.lower() == ".csv":
            return read_tables({path.name: _text(path.name, _bytes(path))})
    except TableError as error:
        where = f"{error.file}, line {error.line}" if error.line else error.file
        raise CommandError(f"{where}: {error.advice}") from None
    return _documents(path)


def write_services(path: Path, documents: Sequence[dict[str, Any]]) -> None:
    """To JSON, or to a zip of tables when the name ends so."""
    if path.suffix.lower() != ".zip":
        path.write_text(json.dumps(documents, ensure_ascii=False, indent=2) + "\n", "utf-8")
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in write_tables(documents).items():
            packed.writestr(name, "\ufeff" + text)


def _documents(path: Path) -> list[Found]:
    """One service, a list, or what an API of HSDS answers: `contents`."""
    try:
        read = json_input.parse(_bytes(path))
    except json_input.JsonInputError:
        raise CommandError(f"{path} is not JSON in UTF-8.") from None
    if isinstance(read, dict):
        read = next((read[key] for key in ("contents", "services") if key in read), [read])
    if not isinstance(read, list) or not all(isinstance(item, dict) for item in read):
        raise CommandError(f"{path} holds no services of HSDS.")
    return [Found(number, document) for number, document in enumerate(read, start=1)]


def _unpacked(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    room = MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(_bytes(path))) as packed:
            for entry in packed.infolist():
                if table_name(entry.filename) is None:
                    continue
                with packed.open(entry) as file:
                    content = file.read(room + 1)
                room -= len(content)
                if room < 0 or len(found) >= MOST_FILES:
                    raise CommandError(f"{path} is larger than {MOST_BYTES} bytes unpacked.")
                found[entry.filename] = _text(entry.filename, content)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise CommandError(f"{path} cannot be unpacked.") from None
    return found


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read ({type(error).__name__}).") from None
    if len(content) > MOST_BYTES:
        raise CommandError(f"{path} is larger than {MOST_BYTES} bytes.")
    return content


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise CommandError(f"{name} is not UTF-8. Save it as CSV UTF-8.") from None
