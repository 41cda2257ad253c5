"""What a failure says to whoever caused it: RFC 9457 problem details, in English and Spanish.

```
ProblemError      a refusal with a documented type; every service turns it into problem+json
```
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from .problem_types import PROBLEM_TYPES, ProblemType, Side

MEDIA_TYPE: Final = "application/problem+json"
Language = Literal["en", "es"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "es")


class FieldError(BaseModel):
    """One place in the input that is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pointer: str = Field(
        description='JSON pointer (RFC 6901) into the request body; "" is all of it.'
    )
    detail: str = Field(
        description="What is wrong there. Never repeats the value: it may be personal."
    )


class Translation(BaseModel):
    """Title and detail in one language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    detail: str


class Problem(BaseModel):
    """An RFC 9457 problem. Members beyond these are named by the problem's type."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(
        description="URI of the problem type; docs/problems.md has a heading for each."
    )
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    side: Side = Field(description="Whose side failed.")
    errors: list[FieldError] = []
    translations: dict[Language, Translation] = {}


class ProblemError(Exception):
    """A refusal that names its documented problem type.

    Args:
        name: A key of `PROBLEM_TYPES`.
        errors: Places in the input, when the input is at fault.
        members: Values for the type's own members, which its detail may quote. Never personal data.

    Raises:
        KeyError: The name is not documented, or a member its detail quotes is absent.
    """

    def __init__(
        self, name: str, *, errors: list[FieldError] | None = None, **members: Any
    ) -> None:
        self.problem_type: ProblemType = PROBLEM_TYPES[name]
        self.name = name
        self.errors = errors or []
        self.members = members
        super().__init__(f"{name}: {self._detail('en')}")

    def _detail(self, language: Language) -> str:
        spoken = {
            name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
            for name, value in self.members.items()
        }
        return self.problem_type.detail[language].format(**spoken)

    def problem(self, language: Language = "en") -> Problem:
        """The body to send, its title and detail in one language and `translations` in all."""
        kind = self.problem_type
        translations = {
            tongue: Translation(title=kind.title[tongue], detail=self._detail(tongue))
            for tongue in LANGUAGES
        }
        return Problem(
            type=kind.uri,
            title=translations[language].title,
            status=kind.status,
            detail=translations[language].detail,
            side=kind.side,
            errors=self.errors,
            translations=translations,
            **self.members,
        )
