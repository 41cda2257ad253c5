"""HSDS as tables: one CSV a table, rows joined by their ids, and back again without loss.

A cell that a spreadsheet would run as a formula gets an apostrophe before it when written, and loses it
again when read, so that nothing is run and nothing is lost.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

MAX_ROWS: Final = 50_000
MAX_CELL: Final = 100_000
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?", re.ASCII)
_NUMBERS: Final = frozenset(
    {
        "minimum_age", "maximum_age", "latitude", "longitude", "year_incorporated", "timezone", "count",
        "interval", "amount", "available", "maximum", "extension",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """One table and where its rows stand in a document.

    Attributes:
        member: Under which name a row hangs at its parent.
        one: It hangs there alone, not in a list.
        by: Columns that name a parent, each with the parent's table.
        name: As files are called, without `.csv`. `also` are other names that publishers use.
    """

    name: str
    member: str
    by: Mapping[str, str] = field(default_factory=dict)
    one: bool = False
    also: tuple[str, ...] = ()


_PLACES: Final = {
    "service_at_location_id": "service_at_locations",
    "service_id": "services",
    "location_id": "locations",
    "organization_id": "organizations",
}
# Children stand before what they hang at.
TABLES: Final = (
    Table("phones", "phones", {"contact_id": "contacts", **_PLACES}),
    Table("contacts", "contacts", _PLACES),
    Table("schedules", "schedules", _PLACES),
    Table("service_areas", "service_areas", _PLACES),
    Table("languages", "languages", {"service_id": "services", "location_id": "locations",
                                     "phone_id": "phones"}),
    Table("addresses", "addresses", {"location_id": "locations"}),
    Table("accessibility", "accessibility", {"location_id": "locations"}),
    Table("required_documents", "required_documents", {"service_id": "services"}),
    Table("cost_options", "cost_options", {"service_id": "services"}),
    Table("funding", "funding", {"service_id": "services", "organization_id": "organizations"}),
    Table("units", "unit", one=True),
    Table("service_capacity", "capacities", {"service_id": "services"}, also=("service_capacities",)),
    Table("service_at_locations", "service_at_locations", {"service_id": "services"},
          also=("service_at_location",)),
    Table("locations", "locations", {"organization_id": "organizations"}),
    Table("programs", "programs", {"organization_id": "organizations"}),
    Table("organizations", "organization", one=True),
)  # fmt: skip
_OTHERS: Final = ("services", "attributes", "taxonomy_terms", "taxonomies")
_NAMES: Final = {name: table.name for table in TABLES for name in (table.name, *table.also)} | {
    name: name for name in _OTHERS
}
_SINGLE: Final = {
    "location": ("locations", "location_id"),
    "program": ("programs", "program_id"),
    "organization": ("organizations", "organization_id"),
    "unit": ("units", "unit_id"),
    "taxonomy_term": ("taxonomy_terms", "taxonomy_term_id"),
    "taxonomy_detail": ("taxonomies", "taxonomy_id"),
}
"""Members that hang alone: their table, and the column that names them."""
_LISTS: Final = {table.member: table for table in TABLES if not table.one}
_ENTITY: Final = {
    "services": "service", "organizations": "organization", "locations": "location",
    "service_at_locations": "service_at_location", "schedules": "schedule", "addresses": "address",
    "languages": "language", "phones": "phone", "contacts": "contact", "service_areas": "service_area",
    "accessibility": "accessibility", "required_documents": "required_document", "units": "unit",
    "cost_options": "cost_option", "funding": "funding", "programs": "program",
    "service_capacity": "service_capacity",
}  # fmt: skip


class TableError(ValueError):
    """A file that is no table of HSDS.

    Args:
        line: Counted from 1, the header's; 0 is the whole file.
    """

    def __init__(self, file: str, line: int, advice: str) -> None:
        self.file, self.line, self.advice = file, line, advice
        super().__init__(f"{file}:{line}: {advice}")


@dataclass(frozen=True)
class Found:
    """One service out of tables, and the line of `services.csv` that it stands on."""

    line: int
    document: dict[str, Any]


def table_name(file: str) -> str | None:
    """The table that a file is, by its name alone, whatever folder it is said to be in."""
    last = re.split(r"[/\\]", file)[-1].lower()
    return _NAMES.get(last.removesuffix(".csv")) if last.endswith(".csv") else None


def read_tables(files: Mapping[str, str]) -> list[Found]:
    """Services with all that hangs at them.

    Args:
        files: Text of each CSV by its file name.

    Raises:
        TableError: A file is no table of HSDS, or cannot be read.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    lines: dict[str, int] = {}
    for file, text in files.items():
        name = table_name(file)
        if name is None:
            raise TableError(file, 0, "Name the file after a table of HSDS, such as services.csv.")
        rows = tables.setdefault(name, [])
        for line, row in _rows(file, text):
            rows.append(row)
            if name == "services":
                lines.setdefault(str(row.get("id")), line)
    if "services" not in tables:
        raise TableError("services.csv", 0, "There is no services.csv.")
    joined = _Joined(tables)
    return [
        Found(lines[str(row.get("id"))], joined.built("services", row))
        for row in tables["services"]
    ]


def _rows(file: str, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    line = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        if "id" not in header or len(set(header)) != len(header):
            raise TableError(file, 1, "The first line names each column once, `id` among them.")
        for number, cells in enumerate(reader):
            line = reader.line_num
            if not any(cells):
                continue
            if number >= MAX_ROWS:
                raise TableError(file, line, f"At most {MAX_ROWS} rows are read. Split the file.")
            if len(cells) > len(header):
                raise TableError(file, line, "More cells than columns. Quote cells with commas.")
            row = {
                name: _read(name, cell) for name, cell in zip(header, cells, strict=False) if cell
            }
            if not row.get("id"):
                raise TableError(file, line, "Give the row an `id`.")
            yield line, row
    except csv.Error:
        raise TableError(file, line + 1, "Not CSV: look at the quotes.") from None


def _read(column: str, cell: str) -> Any:
    if column in _NUMBERS and _NUMBER.fullmatch(cell) and len(cell) <= 25:
        return float(cell) if "." in cell or "e" in cell else int(cell)
    return cell[1:] if cell[0] == "'" and _FORMULA.match(cell) else cell


class _Joined:
    """Rows by what they hang at."""

    def __init__(self, tables: Mapping[str, Sequence[dict[str, Any]]]) -> None:
        self._by_id = {name: {str(row["id"]): row for row in rows} for name, rows in tables.items()}
        self._children: dict[tuple[str, str], list[tuple[Table, dict[str, Any]]]] = {}
        for table in TABLES:
            for row in tables.get(table.name, ()):
                column = next((name for name in table.by if row.get(name)), None)
                if column is not None:
                    at = (table.by[column], str(row[column]))
                    self._children.setdefault(at, []).append((table, row))
        self._attributes: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in tables.get("attributes", ()):
            at = (str(row.get("link_entity")), str(row.get("link_id")))
            self._attributes.setdefault(at, []).append(row)

    def built(
        self, table: str, row: dict[str, Any], within: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """A row with all that hangs at it; a row never hangs at itself."""
        made = dict(row)
        inside = (*within, table)
        if table != "services" or not within:
            for child, hanging in self._children.get((table, str(row["id"])), ()):
                if child.name not in inside:
                    made.setdefault(child.member, []).append(
                        self.built(child.name, hanging, inside)
                    )
        for member, (other, column) in _SINGLE.items():
            single = self._by_id.get(other, {}).get(str(row.get(column, "")))
            if single is not None and other not in inside and _holds(table, member):
                made[member] = self.built(other, single, inside)
        entity = _ENTITY.get(table)
        linked = self._attributes.get((str(entity), str(row["id"])), ()) if entity else ()
        if linked:
            made["attributes"] = [self.built("attributes", one, inside) for one in linked]
        return made


def _holds(table: str, member: str) -> bool:
    holders = {
        "location": ("service_at_locations",),
        "program": ("services",),
        "organization": ("services",),
        "unit": ("service_capacity",),
        "taxonomy_term": ("attributes",),
        "taxonomy_detail": ("taxonomy_terms",),
    }
    return table in holders[member]


def write_tables(documents: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Documents as tables, each row once: file name to text."""
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for document in documents:
        _take_apart("services", dict(document), {}, rows)
    return {f"{name}.csv": _text(list(found.values())) for name, found in sorted(rows.items())}


def _take_apart(
    table: str,
    item: dict[str, Any],
    parent: dict[str, str],
    rows: dict[str, dict[str, dict[str, Any]]],
) -> None:
    row: dict[str, Any] = {"id": item.get("id"), **parent}
    own = str(item.get("id"))
    for key, value in item.items():
        if key in _SINGLE and isinstance(value, dict):
            other, column = _SINGLE[key]
            row[column] = value.get("id")
            _take_apart(other, value, {}, rows)
        elif key == "attributes" and isinstance(value, list):
            link = {"link_entity": _ENTITY.get(table, table), "link_id": own}
            for one in value:
                _take_apart("attributes", one, link, rows)
        elif key in _LISTS and isinstance(value, list) and _hangs(_LISTS[key], table):
            child = _LISTS[key]
            column = next(name for name, other in child.by.items() if other == table)
            for one in value:
                _take_apart(child.name, one, {column: own}, rows)
        else:
            row[key] = value
    # A place may hang at its organization and at a service: one row, with both links.
    known = rows.setdefault(table, {}).setdefault(own, row)
    known.update({name: value for name, value in row.items() if name not in known})


def _hangs(child: Table, table: str) -> bool:
    return table in child.by.values()


def _text(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_safe(name) for name in columns])
    for row in rows:
        writer.writerow([_written(row.get(name)) for name in columns])
    return out.getvalue()


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False)
    return _safe(value)


def _safe(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text
