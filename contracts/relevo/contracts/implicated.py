"""Who is implicated in what happened to somebody, and so is kept away from everything about it.

An implicated person gives no consent for her and is never her contact; an implicated institution
receives nothing, with none of its units, and nobody escalates to it (domain rule 5). Pure answers for
the sender's node, the receiver's node and whoever offers other receivers.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, model_validator

from .identifiers import PartyId, institution_of
from .model import ContractModel, ShortText
from .problem import ProblemError

_FEWEST_DIGITS: Final = 7


class Implicated(ContractModel):
    """Somebody who may have harmed her, or the body that is complained of.

    Attributes:
        party: An institution: all of its units are meant, whichever is named.
        person_id: The recording institution's own key for that person. Never travels.
        relation: What that person is to her, in her words.
        phones: Where that person answers: never shown and never called.
    """

    party: PartyId | None = None
    person_id: (
        Annotated[
            str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")
        ]
        | None
    ) = None
    relation: ShortText | None = None
    name: ShortText | None = None
    phones: Annotated[list[ShortText], Field(max_length=5)] = []

    @model_validator(mode="after")
    def _says_who(self) -> "Implicated":
        if (self.party, self.relation, self.name) == (None, None, None):
            raise ValueError("name the institution, or the person's relation or name")
        return self


def is_party_implicated(implicated: Iterable[Implicated], party: str) -> bool:
    """Whether this party, or any other unit of its institution, is implicated."""
    institution = institution_of(party)
    return any(
        one.party is not None and institution_of(one.party) == institution for one in implicated
    )


def without_implicated(implicated: Sequence[Implicated], parties: Iterable[str]) -> list[str]:
    """Those that may be asked, offered or escalated to, in their order."""
    return [party for party in parties if not is_party_implicated(implicated, party)]


def is_person_implicated(
    implicated: Iterable[Implicated],
    *,
    relation: str | None = None,
    name: str | None = None,
    person_id: str | None = None,
) -> bool:
    """Whether somebody may be the implicated person: in doubt, yes.

    The same key or name is enough. The same relation is too, unless both are named and differ: one
    uncle is implicated and the other may sign.
    """
    return any(
        _same_person(one, relation=relation, name=name, person_id=person_id) for one in implicated
    )


def _same_person(
    one: Implicated, *, relation: str | None, name: str | None, person_id: str | None
) -> bool:
    if one.person_id is not None and one.person_id == person_id:
        return True
    if one.name is not None and name is not None:
        return _plain(one.name) == _plain(name)
    return (
        one.relation is not None
        and relation is not None
        and _plain(one.relation) == _plain(relation)
    )


def _plain(text: str) -> str:
    """Without accents, case and doubled spaces."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in apart if not unicodedata.combining(c)).split())


def is_number_implicated(implicated: Iterable[Implicated], number: str) -> bool:
    """Whether an implicated person answers at this number, however it is written."""
    return any(_same_number(phone, number) for one in implicated for phone in one.phones)


def _same_number(one: str, other: str) -> bool:
    digits, others = ("".join(c for c in text if c.isdigit()) for text in (one, other))
    shorter, longer = sorted((digits, others), key=len)
    return len(shorter) >= _FEWEST_DIGITS and longer.endswith(shorter)


def check_receiver(
    implicated: Sequence[Implicated], receiver: str, *, offered: Iterable[str] = ()
) -> None:
    """Refuses every unit of an implicated institution.

    Args:
        implicated: Who is implicated.
        receiver: Whom it is meant for.
        offered: Others who hold the mandate; those implicated are left out of the answer.

    Raises:
        ProblemError: `implicated_party_excluded`.
    """
    if is_party_implicated(implicated, receiver):
        raise ProblemError(
            "implicated_party_excluded",
            receiver=receiver,
            offered=without_implicated(implicated, offered),
        )


def without_their_numbers(
    sections: dict[str, Any], implicated: Sequence[Implicated]
) -> dict[str, Any]:
    """A record's sections as they may leave: nobody downstream can call an implicated person.

    A contact that is left with nothing goes as a whole, so that nothing tells that one was taken out.
    """
    if not implicated:
        return sections
    left = dict(sections)
    contact = left.get("contact")
    if contact is not None:
        phones = [p for p in contact.get("phones", []) if not is_number_implicated(implicated, p)]
        if phones or contact.get("emails"):
            left["contact"] = {**contact, "phones": phones}
        else:
            del left["contact"]
    third = left.get("third_party_contact")
    if third is not None and (
        is_person_implicated(implicated, relation=third.get("relation"), name=third.get("name"))
        or any(is_number_implicated(implicated, p) for p in third.get("phones", []))
    ):
        del left["third_party_contact"]
    return left
