"""Examples of returnees and their lists for OpenAPI, of invented persons."""

from typing import Any, Final

RETURNEE_ID: Final = "0198c7a5-8e63-7d75-9b3a-c6f7e423dd40"
MANIFEST_ID: Final = "0198c7a5-9f74-7e86-8c4b-d7081534ee51"

INPUT: Final[dict[str, Any]] = {
    "identity": {
        "given_names": "Franklin",
        "family_names": ["Marín"],
        "birth_date": {"value": "1990", "precision": "year"},
        "sex": "male",
        "nationalities": ["GT"],
    },
    "state": "arrived",
    "walk_on": True,
}

BARE: Final[dict[str, Any]] = {
    "id": RETURNEE_ID,
    "owner": "gt.igm.crr",
    "state": "arrived",
    "possible_next": ["received", "no_show", "closed", "void"],
    "created_at": "2026-03-02T19:40:00Z",
    "updated_at": "2026-03-02T19:40:00Z",
}

RECORD: Final[dict[str, Any]] = {
    **BARE,
    "details": {"identity": INPUT["identity"], "walk_on": True},
    "history": [{"state": "arrived", "at": "2026-03-02T19:40:00Z"}],
}

OTHER_ID: Final = "0198c7a5-a085-7f97-9d5c-e8192645ff62"
MERGED_ID: Final = "0198c7a5-b196-70a8-ae6d-f92a3756a073"

CANDIDATES: Final[dict[str, Any]] = {
    "returnee_id": RETURNEE_ID,
    "compared": True,
    "candidates": [
        {
            "returnee_id": OTHER_ID,
            "state": "received",
            "created_at": "2025-08-11T17:05:00Z",
            "likeness": "possible",
            "evidence": [
                {"field": "given_names", "agreement": "same"},
                {"field": "family_names", "agreement": "near"},
                {"field": "birth_date", "agreement": "shorter"},
                {"field": "sex", "agreement": "same"},
            ],
        }
    ],
}
MERGE: Final[dict[str, Any]] = {
    "into": OTHER_ID,
    "ground": "asked",
    "confirmed_by": "Recepción, turno A",
}
UNMERGE: Final[dict[str, Any]] = {"confirmed_by": "Coordinación"}
MERGED: Final[dict[str, Any]] = {
    **RECORD,
    "id": MERGED_ID,
    "state": "merged",
    "merged_into": OTHER_ID,
    "possible_next": [],
    "updated_at": "2026-03-02T20:10:00Z",
    "history": [
        *RECORD["history"],
        {
            "state": "merged",
            "at": "2026-03-02T20:10:00Z",
            "ground": "asked",
            "confirmed_by": "Recepción, turno A",
        },
    ],
}

CSV: Final = (
    "No.;Apellidos;Nombres;Fecha de nacimiento;Sexo;Nacionalidad;Municipio\n"
    "1;Ajanel Ixcot;Mario René;1993-05-17;M;GT;GT-1301\n"
    "2;Marín;Franklin;01.01.1900;M;GT;GT-1204\n"
)
NDJSON: Final = '{"row_reference":"1","family_names":"Ajanel Ixcot","given_names":"Mario René","nationality":["GT"]}\n'

MANIFEST: Final[dict[str, Any]] = {
    "id": MANIFEST_ID,
    "terms": {
        "reference": "GT-2026-03-02-AA123",
        "destination": "GT",
        "return_mode": "air_charter",
        "date_order": "day_first",
    },
    "state": "done",
    "version": 1,
    "rows_total": 2,
    "rows_read": 2,
    "kept": 1,
    "changed": 0,
    "unchanged": 0,
    "refused": 1,
    "absent": 0,
    "columns": [
        {
            "position": 8,
            "column": "criminal_record",
            "code": "forbidden_column",
            "advice": "This column is not taken. It was dropped before anything was stored.",
        }
    ],
    "created_at": "2026-03-02T15:30:00Z",
    "finished_at": "2026-03-02T15:30:00Z",
}

MANIFEST_WAITING: Final[dict[str, Any]] = {
    **MANIFEST,
    "state": "waiting",
    "rows_total": 10000,
    "rows_read": 0,
    "kept": 0,
    "refused": 0,
    "absent": None,
    "finished_at": None,
}

ROWS: Final[dict[str, Any]] = {
    "rows": [
        {"line": 2, "result": "kept", "returnee_id": RETURNEE_ID, "notes": []},
        {
            "line": 3,
            "result": "refused",
            "returnee_id": None,
            "notes": [
                {
                    "code": "fake_birth_date",
                    "column": "birth_date",
                    "advice": "This date stands for one that is not known. Leave the cell empty, or write "
                    "the year alone or the age.",
                    "lines": [],
                }
            ],
        },
    ],
    "next_cursor": None,
}
