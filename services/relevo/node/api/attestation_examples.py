"""Examples of attestations for OpenAPI, of an invented person. The tokens are shortened and verify nothing."""

from typing import Any, Final

from .returnee_examples import RETURNEE_ID

ATTESTATION_ID: Final = "0198c7a6-9f74-7e86-8c4b-d7a8f534ee51"
_TOKEN: Final = "eyJhbGciOiJFZDI1NTE5In0.eyJpc3MiOiJndC5pZ20ifQ.c2lnbmF0dXJl"  # noqa: S105
STATUS_LIST: Final = _TOKEN
PAGE: Final = """%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""

ISSUED: Final[dict[str, Any]] = {
    "id": ATTESTATION_ID,
    "type": "returnee_certificate",
    "state": "valid",
    "folio": "gt.igm 0048213",
    "number": 48213,
    "owner": "gt.igm.crr",
    "about": "returnee",
    "subject": RETURNEE_ID,
    "claims": ["institution_name", "arrived_on", "name", "birth_date", "nationalities"],
    "least": ["institution_name", "arrived_on"],
    "issued_at": "2026-03-02T16:40:00Z",
    "valid_until": "2027-03-02T16:40:00Z",
}
PRESENTED: Final[dict[str, Any]] = {
    "presentation": f"{_TOKEN}~WyJzYWx0IiwiYXJyaXZlZF9vbiIsIjIwMjYtMDMtMDIiXQ~",
    "shown": {"arrived_on": "2026-03-02"},
}
KEYS: Final[dict[str, Any]] = {
    "gateways": [{"gateway": "gateway.gt", "key_set": _TOKEN}],
    "entries": [_TOKEN],
    "status_lists": [_TOKEN],
}
