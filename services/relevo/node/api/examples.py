"""Examples for OpenAPI, of an invented person."""

from typing import Any, Final

REFERRAL_ID: Final = "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de"
SENT_REFERRAL_ID: Final = "0198c7a2-5b30-7a42-8e07-93d4c1f0aa17"
OPEN_REFERRAL_ID: Final = "0198c7a2-6c58-7b63-9d19-a8e5f4120b28"
ASKING_REFERRAL_ID: Final = "0198c7a2-7d69-7c74-8e2a-b9f605231c39"
WEBHOOK_ID: Final = "0198c7a3-6c41-7b53-9f18-a4e5d201bb28"
CONSENT_ID: Final = "0198c7a1-0b2c-7f00-8c11-2b9d7c3f5a10"
FAMILY_REFERRAL_ID: Final = "0198c7a2-8e7a-7d85-9f3b-caf716342d4a"
SPLIT_ID: Final = "0198c7a5-1d52-7c64-8a29-c1f6e312dd41"
UPLOAD_ID: Final = "7d0a5f0e-3a41-4a55-8e0b-9c1f6b2d4e10"
ATTACHMENT_ID: Final = "c2b7e0d4-5c1f-4f0a-9d3e-71a2f6b8c915"
REFERENCE_CODE: Final = "MX-3G9230VQVSQ"

SUBMISSION: Final[dict[str, Any]] = {
    "receiver": "gt.igm.crr",
    "pathway": "gt-retorno-al-hogar",
    "triage": "green",
    "needs": [{"service": "safe_transport_accompanied"}, {"service": "national_id"}],
    "persons": [
        {
            "person_id": "T-1",
            "identity": {
                "given_names": "Tomasa Isabel",
                "family_names": ["Temaj", "Coronado"],
                "birth_date": {"value": "1993", "precision": "year"},
                "sex": "female",
                "nationalities": ["GT"],
            },
        }
    ],
    "share": ["identity"],
    "consent_ids": [CONSENT_ID],
}

CONSENT: Final[dict[str, Any]] = {
    "person_id": "T-1",
    "notice": {
        "id": "aviso-general",
        "version": "3",
        "language": "es",
        "channel": "read_aloud",
        "copy_given": True,
    },
    "purposes": ["service_delivery"],
    "categories": ["identity"],
    "recipients": [
        {"party": "gt.igm"},
        {"party": "gt.consulado-tapachula", "only": ["status"], "requested_by_person": True},
    ],
    "given_by": {"capacity": "self"},
    "method": "signature",
    "given_at": "2026-03-02T16:20:00Z",
    "valid_from": "2026-03-02T16:20:00Z",
    "valid_until": "2026-08-29T16:20:00Z",
}

RECORDED_CONSENT: Final[dict[str, Any]] = {
    **CONSENT,
    "id": CONSENT_ID,
    "state": "active",
    "recorded_at": "2026-03-02T16:21:00Z",
}

WITHDRAWAL: Final[dict[str, Any]] = {"said_at": "2026-03-02T16:30:00Z", "recorded_by": "Turno B"}

SUBMITTED: Final[dict[str, Any]] = {
    "id": SENT_REFERRAL_ID,
    "reference_code": REFERENCE_CODE,
    "state": "submitted",
    "withheld": ["contact"],
}

REFERRAL: Final[dict[str, Any]] = {
    "id": REFERRAL_ID,
    "reference_code": REFERENCE_CODE,
    "role": "receiver",
    "sender": "mx.albergue-tapachula",
    "receiver": "gt.igm.crr",
    "pathway": "gt-retorno-al-hogar",
    "triage": "green",
    "purpose": "service_delivery",
    "state": "acknowledged",
    "event_seq": 3,
    "needs": [{"service": "safe_transport_accompanied"}],
    "persons": [{"identity": {"given_names": "Tomasa Isabel", "family_names": ["Temaj"]}}],
    "possible_next": ["accepted", "rejected", "waitlisted", "redirected", "info_requested"],
    "due": {"clock": "decide", "at": "2026-03-09T16:40:00Z"},
    "created_at": "2026-03-02T16:41:00Z",
    "updated_at": "2026-03-02T18:20:00Z",
}

HISTORY: Final[list[dict[str, Any]]] = [
    {
        "seq": 1,
        "state": "submitted",
        "actor": "sender",
        "at": "2026-03-02T16:40:00Z",
        "stored_at": "2026-03-02T16:41:00Z",
    },
    {
        "seq": 2,
        "state": "received",
        "actor": "receiver",
        "at": "2026-03-02T16:41:00Z",
        "stored_at": "2026-03-02T16:41:00Z",
    },
    {
        "seq": 3,
        "state": "acknowledged",
        "actor": "receiver",
        "at": "2026-03-02T17:05:00Z",
        "entered_at": "2026-03-02T18:20:00Z",
        "stored_at": "2026-03-02T18:20:00Z",
        "seen_by": "Turno A",
    },
]

EVENT: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "0198c7a4-7d52-7c64-8a29-b5f6e312cc39",
    "source": "https://node.albergue.example",
    "type": "org.relevo.referral.state",
    "subject": REFERRAL_ID,
    "time": "2026-03-02T17:05:00Z",
    "datacontenttype": "application/json",
    "position": 42,
    "data": {"id": REFERRAL_ID, "event_seq": 3},
}

WEBHOOK: Final[dict[str, Any]] = {
    "id": WEBHOOK_ID,
    "url": "https://system.example/relevo",
    "state": "active",
    "failures": 0,
    "created_at": "2026-03-02T16:00:00Z",
}

PIN: Final[dict[str, Any]] = {
    "institution": "gt.renap",
    "fingerprint": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "confirmed_by": "Turno A, por teléfono",
    "pinned_at": "2026-03-01T10:00:00Z",
}

LISTED: Final[dict[str, Any]] = {
    "institution": "gt.igm",
    "name": "Instituto Guatemalteco de Migración",
    "country": "GT",
    "type": "migration_institute",
    "mandates": ["returnee_reception"],
    "units": [
        {"id": "gt.igm.crr", "name": "Centro de Recepción", "mandates": ["returnee_reception"]}
    ],
    "message_types": ["referral.submitted/1"],
    "delivery": "push",
    "state": "active",
    "gateway": "gateway.gt",
    "fingerprint": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "updated_at": "2026-03-01T09:00:00Z",
}

ENVELOPE: Final = "eyJhbGciOiJFZDI1NTE5IiwidHlwIjoicmVsZXZvLWVudmVsb3BlK2p3dCJ9.e30.c2ln"
