"""Who interprets between a person and an institution (domain rule 18).

An adult, never a relative, not from the person's own village unless chosen; the person may refuse one,
and is offered another. The same record stands in a notice, in a child's opinion and in a call.
"""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints, model_validator

from .model import ContractModel, Flag

LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
Modality = Literal["in_person", "telephone", "video", "recorded_audio"]


def _needed(otherwise: str) -> AfterValidator:
    return AfterValidator(_check(said_otherwise=False, otherwise=otherwise))


def _ruled_out(otherwise: str) -> AfterValidator:
    return AfterValidator(_check(said_otherwise=True, otherwise=otherwise))


def _check(*, said_otherwise: bool, otherwise: str) -> Callable[[object], object]:
    def check(said: object) -> object:
        if said is said_otherwise:
            raise ValueError(otherwise)
        return said

    return check


class Interpreter(ContractModel):
    """An adult, never a relative; from the person's village only if the person chose so.

    Attributes:
        language: The language interpreted from and into, ISO 639-1 or -3.
        person_agreed: The person was asked about this interpreter and said yes.
    """

    language: LanguageTag
    modality: Modality
    is_adult: Annotated[Flag, _needed("an interpreter is an adult")]
    is_relative: Annotated[Flag, _ruled_out("an interpreter is never a relative of the person")] = (
        False
    )
    from_same_village: Flag = False
    chosen_by_person: Flag = False
    person_agreed: Annotated[Flag, _needed("the person may refuse; offer another interpreter")]

    @model_validator(mode="after")
    def _from_the_village_if_chosen(self) -> "Interpreter":
        if self.from_same_village and not self.chosen_by_person:
            raise ValueError(
                "nobody from the person's own village, unless the person chose so (chosen_by_person)"
            )
        return self


class RefusedInterpreter(ContractModel):
    """One whom the person did not want. The person need not say why."""

    language: LanguageTag
    modality: Modality
    because: Literal["same_village", "known_to_person", "gender", "distrust", "not_said"] = (
        "not_said"
    )
    another_offered: Annotated[Flag, _needed("whoever refuses an interpreter is offered another")]
