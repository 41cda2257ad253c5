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
        CommandError: It is not JSON.
    """
    try:
        return json_input.parse(path.read_bytes())
    except json_input.JsonInputError:
        raise CommandError(f"{path} is not JSON in UTF-8.") from None


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
