"""Files that people hand to each other."""

import json
import sys
from pathlib import Path
from typing import Any, TypeVar

from joserfc.jwk import OKPKey
from pydantic import BaseModel

from relevo.servicekit import jose, json_input

from .failures import CommandError

M = TypeVar("M", bound=BaseModel)


def write_text(path: Path | None, text: str) -> None:
    """To a file, or to standard output when none is named."""
    if path is None:
        sys.stdout.write(text + "\n")
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", "utf-8")


def read_model(path: Path, model: type[M]) -> M:
    """A document of the contract.

    Raises:
        CommandError: It is not JSON.
        ValidationError: It is another document.
    """
    return model.model_validate(read_json(path))


def read_json(path: Path) -> Any:
    """A JSON document.

    Raises:
        CommandError: It is not JSON; says where.
        FileNotFoundError: There is none.
    """
    try:
        content = path.read_bytes()
    except IsADirectoryError:
        raise CommandError(f"{path} is a folder.") from None
    return parse_json(str(path), content)


def parse_json(name: str, content: bytes) -> Any:
    """A JSON document that came from a file of this name, or from elsewhere.

    Raises:
        CommandError: It is not JSON; says where. What it holds is never said.
    """
    try:
        return json_input.parse(content)
    except json_input.JsonInputError as error:
        raise CommandError(f"{name} {_fault(content, error)}") from None


def _fault(content: bytes, error: json_input.JsonInputError) -> str:
    if not content.strip():
        return "is empty: JSON is needed."
    try:
        json.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        return "is no text in UTF-8: save it again with that encoding."
    except json.JSONDecodeError as found:
        where = f"line {found.lineno}, column {found.colno}"
        return f"is not JSON: {where}: {found.msg[:1].lower()}{found.msg[1:]}."
    except RecursionError:
        pass
    return f"cannot be taken as JSON: {error}."


def read_text(path: Path) -> str:
    """A file of text.

    Raises:
        CommandError: There is none, or it is no UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise CommandError(
            f"{path} is no text in UTF-8: save it again with that encoding."
        ) from None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None


def as_json(model: BaseModel) -> str:
    """A document of the contract, as people can read it."""
    return json.dumps(model.model_dump(mode="json", exclude_none=True), indent=2, sort_keys=True)


def client_key(path: Path) -> OKPKey:
    """A client's private key, made if there is none yet."""
    if not path.exists():
        jose.save_key(path, jose.generate_signing_key())
    return jose.load_key(path)
