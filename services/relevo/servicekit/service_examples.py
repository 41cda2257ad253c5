"""Examples of the service directory, for OpenAPI and the guide."""

from typing import Any, Final

from relevo.contracts.service import attribute

SERVICE_ID: Final = "0198c7a2-5a01-7c3e-8b1f-2f6d1e9a4c01"
SERVICE: Final[dict[str, Any]] = {
    "id": SERVICE_ID,
    "name": "Atención psicosocial a personas retornadas",
    "description": "Escucha y primeros auxilios psicológicos al llegar.",
    "status": "active",
    "minimum_age": 12,
    "assured_date": "2026-03-01",
    "languages": [
        {"id": "0198c7a2-5a01-7c3e-8b1f-2f6d1e9a4c02", "name": "español", "code": "spa"},
        {"id": "0198c7a2-5a01-7c3e-8b1f-2f6d1e9a4c03", "name": "Q'eqchi'", "code": "kek"},
    ],
    "schedules": [
        {
            "id": "0198c7a2-5a01-7c3e-8b1f-2f6d1e9a4c04",
            "freq": "WEEKLY",
            "byday": "MO,TU,WE,TH,FR",
            "opens_at": "08:00-06:00",
            "closes_at": "16:00-06:00",
        }
    ],
    "service_areas": [
        {
            "id": "0198c7a2-5a01-7c3e-8b1f-2f6d1e9a4c05",
            "name": "Toda Guatemala",
            "extent": "GT",
            "extent_type": "text",
        }
    ],
    "contacts": [
        {
            "id": "0198c7a2-5a01-7c3e-8b1f-2f6d1e9a4c06",
            "title": "Coordinación",
            "phones": [{"id": "0198c7a2-5a01-7c3e-8b1f-2f6d1e9a4c07", "number": "+502 2222 0000"}],
        }
    ],
    "attributes": [
        attribute(SERVICE_ID, "service_type", "psychological_first_aid").model_dump(
            mode="json", exclude_unset=True
        )
    ],
}
ENTRY: Final[dict[str, Any]] = {"service": SERVICE, "confirmed_by": "Coordinación"}
VIEW: Final[dict[str, Any]] = {
    "institution": "gt.igm",
    "party": "gt.igm",
    "country": "GT",
    "gateway": "gateway.gt",
    "needs": ["psychological_first_aid"],
    "capacity": "has",
    "capacity_until": "2026-03-03T00:00:00Z",
    "confirmed_by": "Coordinación",
    "confirmed_at": "2026-03-01T12:00:00Z",
    "due_at": "2027-03-01T12:00:00Z",
    "stale": False,
    "changed_at": "2026-03-01T12:00:00Z",
    "service": SERVICE,
}
CAPACITY: Final = {"capacity": "has", "until": "2026-03-03T00:00:00Z"}
CONFIRMATION: Final = {"confirmed_by": "Coordinación"}
PAGE: Final[dict[str, Any]] = {
    "services": [
        {
            "institution": "gt.igm",
            "party": "gt.igm",
            "service": SERVICE_ID,
            "name": SERVICE["name"],
            "country": "GT",
            "gateway": "gateway.gt",
            "takes": "no",
            "why_not": ["closed_now"],
            "why_ask": [],
            "capacity": "has",
            "capacity_until": "2026-03-03T00:00:00Z",
            "opens_at": "2026-03-02T14:00:00Z",
            "languages": ["kek", "spa"],
            "confirmed_by": "Coordinación",
            "confirmed_at": "2026-03-01T12:00:00Z",
        }
    ],
    "ask": [],
}
REVALIDATION: Final[dict[str, Any]] = {
    "services": [
        {
            "service": SERVICE_ID,
            "name": SERVICE["name"],
            "party": "gt.igm",
            "confirmed_by": "Coordinación",
            "confirmed_at": "2025-02-01T12:00:00Z",
            "due_at": "2026-02-01T12:00:00Z",
            "stale": True,
            "no_need": False,
        }
    ]
}
