"""Every pathway that this process knows: the built-in files, and what an institution adds to them."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from relevo.contracts.problem import ProblemError

from .check import check
from .schema import Pathway

_added: dict[str, Pathway] = {}
_known: dict[str, Pathway] = {}


class PathwayFilesError(ValueError):
    """Pathway files that cannot be used; its text holds one finding a line, as compilers write them."""


def pathways() -> Mapping[str, Pathway]:
    """Every pathway by id."""
    if not _known:
        _known.update(built_in())
        _known.update(_added)
    return _known


@cache
def built_in() -> dict[str, Pathway]:
    """The pathways that come with the contract."""
    folder = resources.files(__package__) / "data"
    return read(
        {
            entry.name: entry.read_text("utf-8")
            for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
            if entry.name.endswith(".toml")
        }
    )


def read(files: Mapping[str, str]) -> dict[str, Pathway]:
    """Pathways by id from the texts of files by name.

    Raises:
        PathwayFilesError: A file has errors, or two have the same id.
    """
    found: dict[str, Pathway] = {}
    wrong: list[str] = []
    for name, text in files.items():
        errors = [finding for finding in check(text) if finding.level == "error"]
        wrong.extend(finding.in_file(name) for finding in errors)
        if errors:
            continue
        route = Pathway.model_validate(tomllib.loads(text))
        if route.id in found:
            wrong.append(f"{name}:1:1: error: there is a pathway {route.id} already")
        found[route.id] = route
    if wrong:
        raise PathwayFilesError("\n".join(wrong))
    return found


def add(files: Mapping[str, str]) -> None:
    """Makes pathways of an institution or a country known to this process, all or none.

    Services that run in one process share them. Adding the same file again changes nothing.

    Raises:
        PathwayFilesError: A file has errors, or its id is taken by a different pathway.
    """
    found = read(files)
    # A built-in route is not replaced, not even by an equal file: whoever copies one means to change it.
    taken = [
        route_id
        for route_id, route in found.items()
        if route_id in built_in() or _added.get(route_id, route) != route
    ]
    if taken:
        raise PathwayFilesError(
            "\n".join(f"error: there is a pathway {route_id} already" for route_id in taken)
        )
    _added.update(found)
    _known.clear()


def forget_added() -> None:
    """Only the built-in pathways are known again."""
    _added.clear()
    _known.clear()


def pathway(pathway_id: str) -> Pathway:
    """One pathway.

    Raises:
        ProblemError: `pathway_unknown`.
    """
    found = pathways().get(pathway_id)
    if found is None:
        raise ProblemError("pathway_unknown", pathway=pathway_id)
    return found


def public_name(pathway_id: str) -> str:
    """What gateways see of a route, by its id or by the class that hides it."""
    found = pathways().get(pathway_id)
    return pathway_id if found is None else found.public_name
