"""The schema of a triage scheme's file, and reading the files once."""

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from relevo.contracts.identifiers import PathwayId
from relevo.contracts.model import ContractModel, ShortText

Level = Literal["red", "yellow", "green"]
ClockName = Literal["acknowledge", "decide", "deliver"]
AnyClock = Literal["acknowledge", "decide", "deliver", "review"]
"""`review` belongs to pathways that are reviewed, and to no scheme."""
Rung = Literal["supervisor", "coordination_table", "alternate_receiver"]
Pause = Literal["info_requested", "on_hold", "waitlisted", "cancel_requested"]
Decision = Literal["accepted", "waitlisted"]
Delivery = Literal["accepted", "scheduled", "in_progress", "completed"]

CLOCK_NAMES: Final[tuple[ClockName, ...]] = get_args(ClockName)
RUNGS: Final[tuple[Rung, ...]] = get_args(Rung)
"""From the lowest."""
Hours = Annotated[float, Field(gt=0, le=24 * 365)]
Share = Annotated[float, Field(gt=0, le=10)]


def _upwards(ladder: list[Rung]) -> list[Rung]:
    if ladder != [rung for rung in RUNGS if rung in ladder]:
        raise ValueError(f"a ladder leads upwards: {', '.join(RUNGS)}")
    return ladder


Ladder = Annotated[list[Rung], AfterValidator(_upwards)]
"""Who is told when a clock runs out, each once, from the lowest rung."""


class LevelRule(ContractModel):
    """What one level means in a scheme.

    Attributes:
        hours: From triage, by clock; a clock that is absent does not run.
        ladder_starts: Share of a clock's time after which its first rung is told.
        ladder_step: Share of a clock's time between one rung and the next.
    """

    title_en: ShortText
    title_es: ShortText
    hours: dict[ClockName, Hours]
    ladder_starts: Share = 1.0
    ladder_step: Share = 0.5


class TriageScheme(ContractModel):
    """Deadlines by level, as an instrument states them.

    Attributes:
        stopped_by: States in which every clock stands still.
        decided_by: States that meet the decide clock; an outcome meets all.
        delivered_by: States that meet the deliver clock.
    """

    id: PathwayId
    version: str
    title_en: ShortText
    title_es: ShortText
    sources: Annotated[list[ShortText], Field(min_length=1)]
    levels: Annotated[dict[Level, LevelRule], Field(min_length=1)]
    stopped_by: list[Pause] = ["info_requested"]
    decided_by: Annotated[list[Decision], Field(min_length=1)] = ["accepted", "waitlisted"]
    delivered_by: Annotated[list[Delivery], Field(min_length=1)] = ["completed"]
    ladder: Ladder = list(RUNGS)

    @model_validator(mode="after")
    def _waiting_for_information_stops(self) -> "TriageScheme":
        if "info_requested" not in self.stopped_by:
            raise ValueError("info_requested stops the clocks of every scheme")
        return self


@cache
def triage_schemes() -> dict[str, TriageScheme]:
    """Every scheme by id."""
    folder = resources.files(__package__) / "data"
    found = [
        TriageScheme(**tomllib.loads(entry.read_text("utf-8")))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    ]
    return {scheme.id: scheme for scheme in found}
