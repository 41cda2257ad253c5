"""Lists of returnees as institutions send them, of invented persons."""

import csv
import io
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

import openpyxl  # type: ignore[import-untyped]

from relevo.contracts.manifest.door import RawList
from relevo.node.domain.manifest_file import FORMS, XLSX

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
EVERY_FORM: Final = (CSV, NDJSON, XLSX)

HEADINGS: Final = {
    "row_reference": "No.",
    "family_names": "Apellidos",
    "given_names": "Nombres",
    "birth_date": "Fecha de nacimiento",
    "age": "Edad",
    "sex": "Sexo",
    "nationality": "Nacionalidad",
    "document_type": "Tipo de documento",
    "document_number": "No. de documento",
    "document_state": "Estado del documento",
    "national_id_number": "DPI",
    "population_key": "CURP",
    "municipality": "Municipio",
    "municipality_country": "País del municipio",
    "language": "Idioma",
    "family_group": "Grupo familiar",
    "sibling_group": "Hermanos",
    "relative_reference": "Ref. madre",
    "relative_manifest": "Vuelo de la madre",
    "child_care_status": "Situación NNA",
    "specific_needs": "Necesidades",
    "boarding": "Abordaje",
    "criminal_record": "Antecedentes penales",
    "a_number": "A-Number",
}

ORDINARY: Final[dict[str, str]] = {
    "row_reference": "1",
    "family_names": "Ajanel Ixcot",
    "given_names": "Mario René",
    "birth_date": "1993-05-17",
    "sex": "M",
    "nationality": "GT",
    "municipality": "GT-1301",
}
# Tells the reader that M stands beside F in this list.
_WOMAN: Final[dict[str, str]] = {
    "row_reference": "0",
    "family_names": "Yat Tzunún",
    "given_names": "Irma",
    "birth_date": "1990-03-02",
    "sex": "F",
    "nationality": "GT",
    "municipality": "GT-1201",
}

Row = Mapping[str, Any]


def a_row(**changes: Any) -> dict[str, Any]:
    """An ordinary row with changes; None leaves a cell out."""
    row = ORDINARY | changes
    return {column: text for column, text in row.items() if text is not None}


def a_list(form: str, *rows: Row, company: bool = True) -> bytes:
    """A file of this form; a woman with a plain row comes last unless there is to be no company."""
    whole = [*rows, _WOMAN] if company else list(rows)
    columns = [column for column in HEADINGS if any(column in row for row in whole)]
    if form == CSV:
        return as_csv(columns, whole)
    if form == NDJSON:
        lines = [
            json.dumps({HEADINGS[column]: text for column, text in row.items()}, ensure_ascii=False)
            for row in whole
        ]
        return ("\n".join(lines) + "\n").encode()
    return as_workbook(columns, whole)


def as_csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([HEADINGS[column] for column in columns])
    for row in rows:
        writer.writerow([row.get(column, "") for column in columns])
    return out.getvalue().encode()


def as_workbook(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([HEADINGS[column] for column in columns])
    for row in rows:
        sheet.append([row.get(column) for column in columns])
    out = io.BytesIO()
    book.save(out)
    book.close()
    return out.getvalue()


def opened(form: str, body: bytes) -> RawList:
    """The list as it is when it has come in."""
    return FORMS[form](body)


_GIVEN: Final = (
    "Mario René",
    "Juan",
    "José Luis",
    "Pedro Antonio",
    "Selvin",
    "Óscar Danilo",
    "Elmer Josué",
    "Byron",
)
_WOMEN: Final = ("Ana Lucía", "Marta", "Wendy Paola", "Yadira del Carmen")
_FAMILY: Final = (
    "Ajanel", "Ixcot", "Pop", "Caal", "Temaj", "López", "Pérez",
    "Cux", "Tzoc", "Xol", "Chub", "Chilel", "Recinos",
)  # fmt: skip
_DEPARTMENTS: Final = (13, 12, 14, 16)


def ordinary_rows(count: int, *, seed: int = 1, first: int = 1) -> list[dict[str, str]]:
    """Rows as they are on most days: nine of ten men, between 18 and 40, from four departments."""
    chance = random.Random(seed)  # noqa: S311
    rows = []
    for number in range(first, first + count):
        man = chance.random() < 0.9
        rows.append(
            {
                "row_reference": str(number),
                "family_names": f"{chance.choice(_FAMILY)} {chance.choice(_FAMILY)}",
                "given_names": chance.choice(_GIVEN if man else _WOMEN),
                "birth_date": f"{chance.randint(1986, 2007)}-{chance.randint(1, 12):02}-{chance.randint(2, 28):02}",
                "sex": "M" if man else "F",
                "nationality": "GT",
                "municipality": f"GT-{chance.choice(_DEPARTMENTS)}0{chance.randint(1, 9)}",
            }
        )
    return rows
