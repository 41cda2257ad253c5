"""What our codes are called in other code systems, and back.

Kept as double entry: a map file holds each pair twice, forwards with the target's label and backwards
with every code that arrives there, and the target's own file says what it may stand for. A pair that is
changed on one side alone, or shifted by a line, is a fault that `faults` names.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Literal

from relevo.contracts.model import ContractModel

from .loader import CodeList, code_list

Relation = Literal["exact", "broader", "narrower"]
"""What the target is, seen from our code: the same, more than it, or less. Only `exact` loses nothing."""


class Target(ContractModel):
    """A code of another system, with the label that system gives it.

    Attributes:
        accepts: Codes and groups of ours that it can stand for; empty when the map itself is enough.
    """

    code: str
    label: str
    accepts: tuple[str, ...] = ()


class CodeSystem(ContractModel):
    """Another code system, as far as we map to it."""

    id: str
    title: str
    version: str
    source: str
    code: tuple[Target, ...]

    def get(self, code: str) -> Target | None:
        """One of its codes."""
        return next((target for target in self.code if target.code == code), None)


class Forward(ContractModel):
    """One of our codes and what it becomes."""

    code: str
    target: str
    label: str
    relation: Relation


class Backward(ContractModel):
    """A target and every code of ours that becomes it.

    Attributes:
        taken_as: What it is read as when nothing else is known; None when a person has to say.
    """

    target: str
    codes: tuple[str, ...]
    taken_as: str | None = None


class Left(ContractModel):
    """A code on either side that has no counterpart, and why."""

    code: str
    why: str


class CodeMap(ContractModel):
    """One list of ours and one code system.

    Attributes:
        list: Our list.
        system: The other system.
        one_to_one: Every pair is exact; nothing is lost either way.
        own_code_travels: Our code stands beside the target (such as in FHIR `Task.businessStatus`),
            so that a reader who knows it loses nothing.
    """

    id: str
    list: str
    system: str
    one_to_one: bool = False
    own_code_travels: bool = False
    forward: tuple[Forward, ...]
    backward: tuple[Backward, ...]
    unmapped: tuple[Left, ...] = ()
    unused: tuple[Left, ...] = ()

    def to_target(self, code: str) -> Forward | None:
        """What a code becomes; None when it has no counterpart.

        Raises:
            KeyError: The map knows no such code.
        """
        found = next((pair for pair in self.forward if pair.code == code), None)
        if found is None and not any(left.code == code for left in self.unmapped):
            raise KeyError(code)
        return found

    def from_target(self, target: str, *, own_code: str | None = None) -> str | None:
        """What a target is read as; None when a person has to say.

        Args:
            target: A code of the other system.
            own_code: Our own code, if it travelled beside it; believed only where it fits.

        Raises:
            KeyError: The map knows no such target.
        """
        found = next((pair for pair in self.backward if pair.target == target), None)
        if found is None:
            if any(left.code == target for left in self.unused):
                return None
            raise KeyError(target)
        return own_code if own_code in found.codes else found.taken_as


@cache
def map_ids() -> tuple[str, ...]:
    """The names of all maps."""
    return tuple(sorted(f.name.removesuffix(".toml") for f in _files("maps")))


@cache
def code_map(map_id: str) -> CodeMap:
    """One map.

    Raises:
        FileNotFoundError: There is no such map.
    """
    return CodeMap(**_read("maps", map_id))


@cache
def code_system(system_id: str) -> CodeSystem:
    """One code system.

    Raises:
        FileNotFoundError: There is no such system.
    """
    return CodeSystem(**_read("systems", system_id))


def _files(folder: str) -> Iterator[Traversable]:
    for file in (resources.files(__package__) / folder).iterdir():
        if file.name.endswith(".toml"):
            yield file


def _read(folder: str, name: str) -> dict[str, Any]:
    text = (resources.files(__package__) / folder / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def faults(
    mapped: CodeMap, listed: CodeList | None = None, system: CodeSystem | None = None
) -> list[str]:
    """Everything that is wrong with a map: nothing, for those that are shipped."""
    listed = listed or code_list(mapped.list)
    system = system or code_system(mapped.system)
    return [
        *_uncovered(mapped, listed, system),
        *_mislabelled(mapped, listed, system),
        *_one_sided(mapped),
        *_not_one_to_one(mapped),
    ]


def _uncovered(mapped: CodeMap, listed: CodeList, system: CodeSystem) -> Iterator[str]:
    sides = (
        ("code", [c.code for c in listed.codes], [p.code for p in mapped.forward], mapped.unmapped),
        (
            "target",
            [t.code for t in system.code],
            [p.target for p in mapped.backward],
            mapped.unused,
        ),
    )
    for side, known, mentioned, left in sides:
        times = Counter([*mentioned, *(entry.code for entry in left)])
        for code in known:
            if times[code] != 1:
                yield f"{side} {code} is covered {times[code]} times"
        for code in times.keys() - set(known):
            yield f"{side} {code} does not exist"


def _mislabelled(mapped: CodeMap, listed: CodeList, system: CodeSystem) -> Iterator[str]:
    for pair in mapped.forward:
        target = system.get(pair.target)
        if target is None or pair.code not in listed:
            continue
        if pair.label != target.label:
            yield f"{pair.code}: {pair.target} is “{target.label}” and not “{pair.label}”"
        if target.accepts and {pair.code, listed.get(pair.code).group}.isdisjoint(target.accepts):
            yield f"{pair.code}: {pair.target} cannot stand for it"


def _one_sided(mapped: CodeMap) -> Iterator[str]:
    there = {(pair.code, pair.target) for pair in mapped.forward}
    back = {(code, pair.target) for pair in mapped.backward for code in pair.codes}
    for code, target in sorted(there ^ back):
        side = "forwards" if (code, target) in there else "backwards"
        yield f"{code} and {target} are a pair only {side}"
    for pair in mapped.backward:
        if pair.taken_as is not None and pair.taken_as not in pair.codes:
            yield f"{pair.target} is read as {pair.taken_as}, which never becomes it"


def _not_one_to_one(mapped: CodeMap) -> Iterator[str]:
    exact: dict[str, list[str]] = {}
    for pair in mapped.forward:
        if pair.relation == "exact":
            exact.setdefault(pair.target, []).append(pair.code)
        elif mapped.one_to_one:
            yield f"{pair.code}: {pair.relation}, in a map that says one to one"
    for target, codes in exact.items():
        if len(codes) > 1:
            yield f"{target} cannot be exactly {' and '.join(codes)}"
        taken_as = next((b.taken_as for b in mapped.backward if b.target == target), None)
        if taken_as != codes[0]:
            yield f"{target} is exactly {codes[0]} and read as {taken_as}"
