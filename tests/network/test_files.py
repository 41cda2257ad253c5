"""A file crosses two gateways beside its referral, whatever is killed on its way."""

from datetime import UTC, datetime
from typing import Any

from relevo.sandbox import people
from relevo.sandbox.narrator import Narrator
from relevo.sandbox.network import Network
from tests.support.blobs import a_large_file

DESK = "gt.igm.crr.desk"
SHELTER = "mx.albergue-tapachula"
_SOON = 60


def test_a_file_arrives_whole_though_gateways_are_killed_meanwhile(network: Network) -> None:
    shelter, desk = network.system(SHELTER), network.system(DESK)
    content = a_large_file(1_200_000)
    uploaded = shelter.send(
        "/v1/attachments", content, media_type="application/pdf", params={}
    ).json()
    consent = shelter.post("/v1/consents", people.consent_c1(datetime.now(UTC)))
    body: dict[str, Any] = people.referral_r1(consent["id"])
    file = {
        "upload": uploaded["id"],
        "person_id": body["persons"][0]["person_id"],
        "document": "referral_sheet",
        "category": "identity",
    }
    sent = shelter.post("/v1/referrals", {**body, "attachments": [file]})["id"]
    Narrator().wait(
        "the referral is there, with or without its file",
        lambda: desk.call("GET", f"/v1/referrals/{sent}").status_code == 200,
        seconds=_SOON,
    )
    for gateway in ("gateway.mx", "gateway.gt"):
        network.processes.kill(gateway)
        network.restart(gateway)
    Narrator().wait(
        "the file is there",
        lambda: desk.get(f"/v1/referrals/{sent}")["attachments"][0]["state"] == "here",
        seconds=_SOON,
    )
    [arrived] = desk.get(f"/v1/referrals/{sent}")["attachments"]
    answer = desk.call("GET", f"/v1/referrals/{sent}/attachments/{arrived['id']}")
    assert answer.content == content
    told = [event["type"] for event in desk.events() if event["subject"] == sent]
    assert told.count("org.relevo.referral.attachment_arrived") == 1
