"""Reads the data files of this package, each once."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def data(name: str) -> dict[str, Any]:
    """One data file."""
    text = (resources.files(__package__) / "data" / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)
