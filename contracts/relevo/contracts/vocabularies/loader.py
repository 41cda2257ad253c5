"""Reads the code lists once and gives pydantic types that accept their codes and nothing else."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any, Final

from pydantic import AfterValidator, ConfigDict, StringConstraints, WithJsonSchema

from relevo.contracts.model import ContractModel

_TO_PERSON: Final = "-x-person"


class Code(ContractModel):
    """One code: what a machine sends and what people read."""

    code: str
    es: str
    en: str
    group: str | None = None
    definition: str | None = None
    category: str | None = None
    """The data category that the code alone already reveals."""
    labels: dict[str, str] = {}
    """Overrides by language tag, such as `es-MX`; `es-x-person` is what the person herself reads."""
    avoid: tuple[str, ...] = ()
    """Words that would say something else."""
    special: bool = False
    """Special category of data: asked for with a reason only."""
    state_body: bool = False
    """Of types of institution: an organ of a state."""
    source: str | None = None
    since: str = "1"

    def label(self, language: str = "es", *, to_person: bool = False) -> str:
        """What people read: `es-MX` falls back to `es`, a language without a label to `en`.

        Args:
            language: A language tag (RFC 5646), in any case.
            to_person: In the words for the person herself, where there are any.
        """
        everyone = {"es": self.es, "en": self.en} | self.labels
        for endings in (_TO_PERSON, "") if to_person else ("",):
            for tag in _narrowing(language):
                if f"{tag}{endings}" in everyone:
                    return everyone[f"{tag}{endings}"]
        return self.label("en", to_person=to_person)


def _narrowing(language: str) -> tuple[str, ...]:
    """A tag and what it falls back to (RFC 4647 §3.4): `es-MX`, then `es`."""
    first, _, rest = language.partition("-")
    base = first.lower()
    if not rest:
        return (base,)
    if rest.startswith("x-"):
        return (f"{base}-{rest}", base)
    return (f"{base}-{rest.upper()}" if len(rest) == 2 else f"{base}-{rest}", base)


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

    def title(self, language: str = "es") -> str:
        """The list's name: Spanish in any Spanish, English in anything else."""
        return self.title_es if _narrowing(language)[-1] == "es" else self.title_en

    def label(self, code: str, language: str = "es", *, to_person: bool = False) -> str:
        """The label of one code; see `Code.label`.

        Raises:
            KeyError: The list has no such code.
        """
        return self.get(code).label(language, to_person=to_person)

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
def label_languages() -> tuple[str, ...]:
    """Every language tag in which some label is written, `en` and `es` first."""
    tags = {
        tag
        for list_id in list_ids()
        for entry in code_list(list_id).codes
        for tag in entry.labels
        if not tag.endswith(_TO_PERSON)
    }
    return ("en", "es", *sorted(tags - {"en", "es"}))


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
