"""What was measured, as a plain table for people and as JSON for comparing."""

import json
import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from .measure import OURS, Outcome, Plan, Spread, Target

_HEADS: Final[tuple[str, ...]] = ("row", "ours", "yardstick", "", "ratio", "reach", "aim", "met")


def table(outcomes: Iterable[Outcome]) -> str:
    """One line for each target; below it what else was measured."""
    lines = [_HEADS]
    for outcome in outcomes:
        lines += [_line(outcome, target) for target in outcome.row.targets]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def details(outcomes: Iterable[Outcome]) -> str:
    """Every figure of every contestant: median (least to greatest)."""
    lines = []
    for outcome in outcomes:
        lines.append(f"{outcome.row.name}: {outcome.row.work}")
        for contestant, turns in outcome.turns.items():
            for figure in turns[0]:
                spread = outcome.spread(contestant, figure)
                if spread is not None:
                    lines.append(f"  {contestant:<32}{figure:<14}{_spread(spread)}")
    return "\n".join(lines)


def write_json(path: Path, plan: Plan, outcomes: Iterable[Outcome]) -> None:
    """Everything, turn by turn."""
    document: dict[str, Any] = {
        "machine": {"processors": os.cpu_count(), "python": platform.python_version()},
        "plan": vars(plan),
        "rows": [
            {
                "name": outcome.row.name,
                "work": outcome.row.work,
                "turns": {name: [dict(turn) for turn in t] for name, t in outcome.turns.items()},
                "targets": [
                    {**vars(target), "value": outcome.judged(target), "met": outcome.met(target)}
                    for target in outcome.row.targets
                ],
            }
            for outcome in outcomes
        ],
    }
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def _line(outcome: Outcome, target: Target) -> tuple[str, ...]:
    ours = outcome.spread(OURS, target.figure)
    theirs = None if target.against is None else outcome.spread(target.against, target.figure)
    ratio = outcome.ratio(target)
    unit = "x" if ratio else target.unit
    return (
        outcome.row.name,
        "-" if ours is None else f"{_spread(ours)}{target.unit}",
        target.against or "-",
        "-" if theirs is None else f"{_number(theirs.median)}{target.unit}",
        "-" if ratio is None else f"{_spread(ratio)}x",
        f"{_number(target.reach)}{unit}",
        f"{_number(target.aim)}{unit}",
        outcome.met(target),
    )


def _spread(spread: Spread) -> str:
    if spread.least == spread.most:
        return _number(spread.median)
    return f"{_number(spread.median)} ({_number(spread.least)} to {_number(spread.most)})"


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
