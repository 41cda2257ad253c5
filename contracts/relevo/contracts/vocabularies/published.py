"""The code lists as services publish them: with labels in the reader's language, and all others."""

import hashlib
from functools import cache
from typing import Annotated

from pydantic import Field

from relevo.contracts.model import ContractModel

from .loader import Code, code_list, list_ids


class PublishedCode(ContractModel):
    """One code and everything that is said of it."""

    code: str
    label: str = Field(description="In the language of the answer.")
    label_to_person: str = Field(description="The same as the person herself should read it.")
    labels: dict[str, str] = Field(description="By language tag; `-x-person` is for the person.")
    group: str | None = None
    definition: str | None = None
    category: str | None = Field(
        default=None, description="Code of `data_category` that this code alone gives away."
    )
    special: bool = Field(default=False, description="A special category of data.")
    state_body: bool = Field(default=False, description="Of institutions: an organ of a state.")
    avoid: list[str] = Field(default=[], description="Words that would say something else.")
    source: str | None = Field(
        default=None, description="Where the word is from; † marks what review added."
    )
    since: str = Field(description="Version of the list in which the code first stood.")


class ListSummary(ContractModel):
    """One list of the index."""

    id: str
    version: str
    title: str
    codes: int
    digest: Annotated[str, Field(description="SHA-256 of the list's content in every language.")]


class PublishedIndex(ContractModel):
    """All lists."""

    vocabularies: list[ListSummary]


class PublishedList(ContractModel):
    """One list, codes in their order."""

    id: str
    version: str
    title: str
    digest: str
    codes: list[PublishedCode]


@cache
def digest(list_id: str) -> str:
    """SHA-256 of a list's content, the same in whatever language it is read."""
    return hashlib.sha256(code_list(list_id).model_dump_json().encode()).hexdigest()


def published_index(language: str) -> PublishedIndex:
    """The index of all lists, titles in one language."""
    return PublishedIndex(
        vocabularies=[
            ListSummary(
                id=list_id,
                version=code_list(list_id).version,
                title=code_list(list_id).title(language),
                codes=len(code_list(list_id).codes),
                digest=digest(list_id),
            )
            for list_id in list_ids()
        ]
    )


def published_list(list_id: str, language: str) -> PublishedList:
    """One list, labels in one language.

    Raises:
        FileNotFoundError: There is no such list.
    """
    listed = code_list(list_id)
    return PublishedList(
        id=listed.id,
        version=listed.version,
        title=listed.title(language),
        digest=digest(list_id),
        codes=[_published(entry, language) for entry in listed.codes],
    )


def _published(entry: Code, language: str) -> PublishedCode:
    return PublishedCode(
        code=entry.code,
        label=entry.label(language),
        label_to_person=entry.label(language, to_person=True),
        labels={"es": entry.es, "en": entry.en} | entry.labels,
        group=entry.group,
        definition=entry.definition,
        category=entry.category,
        special=entry.special,
        state_body=entry.state_body,
        avoid=list(entry.avoid),
        source=entry.source,
        since=entry.since,
    )
