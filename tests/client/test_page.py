"""The page about the client names everything that can be met."""

import inspect
from dataclasses import fields
from pathlib import Path

from relevo.client import exceptions
from relevo.client.settings import ClientSettings

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "client.md").read_text("utf-8")


def test_every_setting_has_a_row() -> None:
    for field in fields(ClientSettings):
        assert f"| `{field.name}` |" in PAGE


def test_every_exception_has_a_row() -> None:
    for name, kind in inspect.getmembers(exceptions, inspect.isclass):
        if issubclass(kind, exceptions.RelevoError) and kind is not exceptions.RelevoError:
            assert f"| `{name}` |" in PAGE
