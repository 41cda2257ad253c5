"""Reads the code lists once and gives pydantic types that accept their codes and nothing else."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from pydantic import AfterValidator, ConfigDict, StringConstraints, WithJsonSchema

from relevo.contracts.model import ContractModel


class Code(ContractModel):
    """One code: what a machine sends and what people read."""

    code: str
    es: str
    en: str
    group: str | None = None
    definition: str | None = None
    category: str | None = None
    labels: dict[str, str] = {}
    """Overrides by language tag, such as `es-MX`."""
    special: bool = False
    """Special category of data: asked for with a reason only."""
    source: str | None = None
    since: str = "1"


class CodeList(ContractModel):
    """A list with its version; codes stand in the order of the file."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: str
    version: str
    title_en: str
    title_es: str
    codes: tuple[Code, ...]

    def __contains__(self, code: object) -> bool:
        return any(entry.code == code for entry in self.codes)

    def label(self, code: str, language: str = "es") -> str:
        """The label in a language (`es-MX` falls back to `es`, anything else to `en`).

        Raises:
            KeyError: The list has no such code.
        """
        entry = self.get(code)
        if language in entry.labels:
            return entry.labels[language]
        return entry.es if language.split("-", maxsplit=1)[0] == "es" else entry.en

    def get(self, code: str) -> Code:
        """One code.

        Raises:
            KeyError: The list has no such code.
        """
        for entry in self.codes:
            if entry.code == code:
                return entry
        raise KeyError(code)


@cache
def list_ids() -> tuple[str, ...]:
    """The names of all lists, in alphabetical order."""
    folder = resources.files(__package__) / "data"
    return tuple(
        sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    )


@cache
def code_list(list_id: str) -> CodeList:
    """One code list.

    Raises:
        FileNotFoundError: There is no such list.
    """
    text = (resources.files(__package__) / "data" / f"{list_id}.toml").read_text("utf-8")
    raw: dict[str, Any] = tomllib.loads(text)
    return CodeList(codes=tuple(Code(**entry) for entry in raw.pop("code")), **raw)


@cache
def _codes(list_id: str) -> dict[str, int]:
    return {entry.code: position for position, entry in enumerate(code_list(list_id).codes)}


def in_code_order(list_id: str, codes: set[str] | frozenset[str] | list[str]) -> list[str]:
    """The codes without repetition, in the order of their list, so that equal sets have equal bytes."""
    order = _codes(list_id)
    return sorted(set(codes), key=lambda code: order[code])


def code_of(list_id: str) -> tuple[StringConstraints, AfterValidator, WithJsonSchema]:
    """Annotations for a field that holds one code: `Annotated[str, *code_of("purpose")]`."""

    def known(value: str) -> str:
        if value not in _codes(list_id):
            raise ValueError(f"not a code of {list_id}")
        return value

    return (
        StringConstraints(max_length=80),
        AfterValidator(known),
        WithJsonSchema({"type": "string", "enum": list(_codes(list_id)), "title": list_id}),
    )
