"""Reads the laws once."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def laws() -> dict[str, str]:
    """The law by country, ISO 3166-1 alpha-2."""
    text = (resources.files(__package__) / "data" / "laws.toml").read_text("utf-8")
    found: dict[str, Any] = tomllib.loads(text)
    return {country: str(law) for country, law in found.items()}


def law_of(country: str) -> str | None:
    """What a notice names in this country; None where there is no default."""
    return laws().get(country)
