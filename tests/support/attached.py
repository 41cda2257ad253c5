"""Referrals that leave with a file."""

from typing import Any

from relevo.contracts.attachment import BLOB_BYTES
from tests.support.blobs import uploaded
from tests.support.institutions import SHELTER
from tests.support.node_requests import consented, submitted
from tests.support.nodes import Member, Network

CATEGORIES = ["identity", "contact", "identity_document", "location_municipality", "family"]
LARGE = BLOB_BYTES + 70_000


def a_file(upload_id: str, **changes: Any) -> dict[str, Any]:
    return {"upload": upload_id, "person_id": "T-1", "document": "birth_certificate"} | changes


async def sent(network: Network, content: bytes, kind: str = "image/png", **changes: Any) -> str:
    """A referral that left with one file; its id."""
    shelter = network.members[SHELTER]
    consent = await consented(shelter, categories=CATEGORIES)
    upload_id = await uploaded(shelter, content, kind)
    return await submitted(
        shelter,
        consent,
        **{
            "share": ["identity", "contact", "identity_document"],
            "attachments": [a_file(upload_id)],
            **changes,
        },
    )


async def events(member: Member) -> list[str]:
    async with member.http() as http:
        answer = (await http.get("/v1/events")).json()
    return [event["type"].removeprefix("org.relevo.") for event in answer["events"]]
