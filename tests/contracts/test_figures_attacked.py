"""Somebody who reads every table, and knows the rule by which they are made, works out no small group.

Two attackers. One adds and subtracts: what each row of each table says bounds sums of cells, and the
bounds are narrowed against each other until nothing moves. The other tries all worlds: every division
of a total that would have been published alike.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.contracts.statistics import (
    NOT_SHOWN,
    Counted,
    Direction,
    Outcome,
    Publication,
    groups_shown,
    publish,
)
from relevo.contracts.statistics_table import dimensions, rows
from relevo.contracts.vocabularies.loader import code_list

MINIMUM: Final = 5
ROUTES: Final = ("route-a", "route-b", "route-c")
ELSEWHERE: Final = "elsewhere"
"""Every other route, and what is counted in no route: nobody outside knows how much that is."""
OUTCOMES: Final = get_args(Outcome)
PROFILES: Final = (
    "returned_or_deported", "immigration_detention", "trafficking_victim", "not_stated", "several",
)  # fmt: skip
EVERY_PROFILE: Final = (*(c.code for c in code_list("case_profile").codes), "not_stated", "several")
TABLES: Final = (
    "",
    "pathway",
    "outcome",
    "case_profile",
    "pathway,outcome",
    "pathway,case_profile",
)


# -- all worlds ---------------------------------------------------------------------------------------


def divisions(total: int, groups: int) -> Iterator[tuple[int, ...]]:
    """Every way to divide a total among so many groups."""
    for cuts in itertools.combinations(range(total + groups - 1), groups - 1):
        edges = (-1, *cuts, total + groups - 1)
        yield tuple(b - a - 1 for a, b in itertools.pairwise(edges))


@pytest.mark.parametrize(("codes", "most"), [("ab", 30), ("abc", 28), ("abcd", 21), ("abcde", 14)])
def test_who_knows_the_rule_finds_no_small_group_by_trying_all_worlds(
    codes: str, most: int
) -> None:
    """Also where outsiders know that only these few kinds can happen at all."""
    for total in range(MINIMUM, most):
        alike: dict[tuple[Any, ...], list[tuple[int, ...]]] = defaultdict(list)
        for world in divisions(total, len(codes)):
            shown = groups_shown(dict(zip(codes, world, strict=True)), codes, minimum=MINIMUM)
            alike[tuple(sorted(shown.items()))].append(world)
        for published, worlds in alike.items():
            for at, code in enumerate(codes):
                small = {world[at] for world in worlds} & set(range(1, MINIMUM))
                if code not in dict(published) and small:
                    assert small == set(range(1, MINIMUM)), (total, published, code)


# -- adding and subtracting ---------------------------------------------------------------------------

Cell = Hashable
UNKNOWN: Final = 10**6


@dataclass
class Attacker:
    """What is known of each cell, and of sums of cells, as a least and a most."""

    known: dict[Cell, tuple[int, int]] = field(default_factory=dict)
    sums: list[tuple[list[Cell], int, int]] = field(default_factory=list)

    def learns(self, cells: Iterable[Cell], least: int, most: int) -> None:
        learned = list(cells)
        for cell in learned:
            self.known.setdefault(cell, (0, UNKNOWN))
        self.sums.append((learned, least, most))

    def works_out(self) -> None:
        """Narrows every bound by every sum until none moves."""
        moved = True
        while moved:
            moved = sum(self._narrow(*one) for one in self.sums) > 0

    def _narrow(self, cells: list[Cell], least: int, most: int) -> bool:
        lows = sum(self.known[cell][0] for cell in cells)
        highs = sum(self.known[cell][1] for cell in cells)
        moved = False
        for cell in cells:
            low, high = self.known[cell]
            now = max(low, least - (highs - high)), min(high, most - (lows - low))
            assert now[0] <= now[1], "the tables contradict each other"
            if now != (low, high):
                lows, highs = lows + now[0] - low, highs + now[1] - high
                self.known[cell] = now
                moved = True
        return moved

    def reads(self, period: str, publication: Publication) -> None:
        """Every table of one period."""
        tables = {by: rows([publication], dimensions(by)) for by in TABLES}
        sizes = {row.pathway: row.count for row in tables["pathway"]}
        hidden = [route for route in (*ROUTES, ELSEWHERE) if route not in sizes]
        rest = sizes.get(NOT_SHOWN, 0)
        self.learns([(period, route) for route in hidden], rest, rest or MINIMUM - 1)
        for route in hidden:
            if route != ELSEWHERE:
                self.learns([(period, route)], 0, MINIMUM - 1)
        whole = [(period, route) for route in (*ROUTES, ELSEWHERE)]
        for by in TABLES:
            total = sum(row.count for row in tables[by])
            self.learns(whole, total, total + (0 if rest else MINIMUM - 1))
        for by, codes in (("outcome", OUTCOMES), ("case_profile", EVERY_PROFILE)):
            for route in ROUTES:
                self._reads_route(period, route, by, codes, sizes, tables[f"pathway,{by}"])
            for row in tables[by]:
                code = getattr(row, by)
                if code != NOT_SHOWN:
                    everywhere = [(period, route, by, code) for route in (*ROUTES, ELSEWHERE)]
                    self.learns(everywhere, row.count, UNKNOWN)

    def _reads_route(
        self,
        period: str,
        route: str,
        by: str,
        codes: Iterable[str],
        sizes: dict[str | None, int],
        table: list[Any],
    ) -> None:
        cells = {code: (period, route, by, code) for code in codes}
        size = sizes.get(route)
        if size is not None:
            self.learns([(period, route)], size, size)
        # A route is as large as all its groups.
        self.learns(cells.values(), *((size, size) if size is not None else (0, MINIMUM - 1)))
        shown = {getattr(r, by): r.count for r in table if r.pathway == route}
        rest = shown.pop(NOT_SHOWN, 0)
        for code, count in shown.items():
            self.learns([cells[code]], count, count)
        if size is not None:
            self.learns([cell for code, cell in cells.items() if code not in shown], rest, rest)

    def reads_sum(self, periods: list[str], publications: list[Publication]) -> None:
        """The tables of a year, which are sums of what its quarters show."""
        for row in rows(publications, dimensions("pathway")):
            if row.pathway in ROUTES:
                cells = [(period, row.pathway) for period in periods]
                hidden = (MINIMUM - 1) * len(periods)
                self.learns(cells, row.count, row.count + hidden)
        for by in ("outcome", "case_profile"):
            for row in rows(publications, dimensions(f"pathway,{by}")):
                code = getattr(row, by)
                if row.pathway in ROUTES and code != NOT_SHOWN:
                    cells_of = [(period, row.pathway, by, code) for period in periods]
                    self.learns(cells_of, row.count, UNKNOWN)


quarter = st.dictionaries(
    st.tuples(
        st.sampled_from([*ROUTES, None]),
        st.sampled_from(OUTCOMES),
        st.sampled_from(PROFILES),
    ),
    st.one_of(st.integers(1, 5), st.integers(0, 30)),
    max_size=12,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(quarter, min_size=1, max_size=4))
def test_who_adds_and_subtracts_all_tables_finds_no_small_cell(quarters: list[Any]) -> None:
    attacker, true = Attacker(), Counter[Cell]()
    published: list[Publication] = []
    names = [f"2026-Q{number + 1}" for number in range(len(quarters))]
    for name, counts in zip(names, quarters, strict=True):
        held: list[Counted] = []
        profiles: dict[tuple[Direction, str], Counter[str]] = defaultdict(Counter)
        for (route, outcome, profile), count in counts.items():
            held += [Counted("sent", route, outcome)] * count
            if route is not None:
                profiles["sent", route][profile] += count
            if route in ROUTES:
                true[name, route] += count
                true[name, route, "outcome", outcome] += count
                true[name, route, "case_profile", profile] += count
        published.append(publish(name, held, profiles))
        attacker.reads(name, published[-1])
    attacker.reads_sum(names, published)
    attacker.works_out()
    for cell, count in true.items():
        least, most = attacker.known[cell]
        assert least <= count <= most
        if 0 < count < MINIMUM:
            assert (least, most >= MINIMUM - 1) == (0, True), (cell, count, least, most)


def test_the_attackers_find_what_only_small_cells_being_hidden_would_give_away() -> None:
    """Else the tests above would prove nothing."""
    careless = Attacker()
    careless.learns(["a", "b", "c"], 12, 12)
    careless.learns(["a"], 7, 7)
    careless.learns(["b"], 3, UNKNOWN)
    careless.learns(["c"], 2, 4)
    careless.works_out()
    assert careless.known["b"] == (3, 3)
    assert careless.known["c"] == (2, 2)
    assert len(list(divisions(3, 3))) == 10
