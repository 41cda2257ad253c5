"""Examples for OpenAPI, of an invented person."""

REFERRAL_ID = "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de"
CONSENT_ID = "0198c7a1-0b2c-7f00-8c11-2b9d7c3f5a10"
REFERENCE_CODE = "MX-3G9230VQVSQ"

SUBMISSION = {
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

CONSENT = {
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
    "recipients": [{"party": "gt.igm"}, {"party": "gt.consulado-tapachula", "only": ["status"]}],
    "given_by": {"capacity": "self"},
    "method": "signature",
    "given_at": "2026-03-02T16:20:00Z",
    "valid_from": "2026-03-02T16:20:00Z",
    "valid_until": "2026-08-29T16:20:00Z",
}
