"""Attestations at a node: issued from what a record shows, shown as chosen, verified without a network."""

import base64
import hashlib
import re
import zlib
from datetime import timedelta
from typing import Any

import httpx
import pytest

from relevo.contracts.attestation import KINDS, TrustedIssuers
from relevo.node.domain.attestation_page import Sheet, TooMuchForOneCodeError, draw, printable
from relevo.servicekit import attestations, jose
from tests.node.test_returnees import entered, step
from tests.support.institutions import CONSULATE, INSTITUTE, RECEPTION, SHELTER, START
from tests.support.node_requests import a_key, consented, submitted
from tests.support.node_requests import step as acknowledge
from tests.support.nodes import Member, Network

pytestmark = pytest.mark.asyncio

FIRST = "Franklin"
NAME = "Franklin Marín"


async def attested(member: Member, **body: Any) -> httpx.Response:
    async with member.http(unit=RECEPTION) as http:
        return await http.post("/v1/attestations", json=body, headers=a_key())


async def a_certificate(member: Member, **changes: Any) -> dict[str, Any]:
    record = await entered(member, **changes)
    answer = await attested(member, type="returnee_certificate", returnee_id=record["id"])
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


async def get(member: Member, path: str, *, unit: str = RECEPTION, **params: Any) -> httpx.Response:
    async with member.http(unit=unit) as http:
        return await http.get(f"/v1/attestations/{path}", params=params)


async def presented(member: Member, issued: dict[str, Any], *show: str) -> str:
    params = {"show": list(show)} if show else {}
    answer = await get(member, f"{issued['id']}/presentation", **params)
    assert answer.status_code == 200, answer.text
    presentation: str = answer.json()["presentation"]
    return presentation


async def trust(member: Member) -> attestations.Trust:
    answer = await get(member, "keys")
    assert answer.status_code == 200, answer.text
    return attestations.read_trust(TrustedIssuers.model_validate(answer.json()))


async def test_a_certificate_shows_the_least_and_verifies_without_a_network(
    reception: Member,
) -> None:
    issued = await a_certificate(reception)
    assert issued["least"] == ["institution_name", "arrived_on"]
    assert FIRST not in str(issued)
    verdict = attestations.verify(
        await presented(reception, issued), await trust(reception), now=START
    )
    assert (verdict.result, verdict.type, verdict.issuer, verdict.revocation) == (
        "valid", "returnee_certificate", INSTITUTE, "checked",
    )  # fmt: skip
    assert verdict.shown == {"institution_name": INSTITUTE, "arrived_on": "2026-03-02"}
    assert verdict.folio == issued["folio"]


async def test_she_chooses_each_time_what_is_shown(reception: Member) -> None:
    issued = await a_certificate(reception)
    trusted = await trust(reception)
    named = await presented(reception, issued, "name", "nationalities")
    verdict = attestations.verify(named, trusted, now=START)
    assert verdict.shown == {"name": NAME, "nationalities": ["GT"]}
    nothing = await presented(reception, issued, "none")
    assert attestations.verify(nothing, trusted, now=START).shown == {}
    refused = await get(reception, f"{issued['id']}/presentation", show=["identity_document"])
    assert refused.status_code == 422


@pytest.mark.parametrize("state", ["announced", "no_show", "void"])
async def test_only_a_return_that_happened_is_attested(reception: Member, state: str) -> None:
    record = await entered(reception, state="announced" if state == "announced" else "arrived")
    if state != "announced":
        await step(reception, record["id"], to=state, reason="duplicate")
    answer = await attested(reception, type="returnee_certificate", returnee_id=record["id"])
    assert answer.json()["type"].endswith("/nothing_to_attest")


async def test_nobody_else_attests_reads_prints_or_revokes_it(reception: Member) -> None:
    issued = await a_certificate(reception)
    for path in ("", ".pdf", "/presentation"):
        answer = await get(reception, issued["id"] + path, unit="gt.igm.car")
        assert answer.status_code == 404
    async with reception.http(unit="gt.igm.car") as http:
        body = {"type": "returnee_certificate", "returnee_id": issued["subject"]}
        assert (await http.post("/v1/attestations", json=body, headers=a_key())).status_code == 404
        path = f"/v1/attestations/{issued['id']}/revoke"
        assert (await http.post(path, json={"reason": "wrong"})).status_code == 404
    async with reception.http(unit=RECEPTION, scopes="returnees:read") as http:
        assert (await http.get(f"/v1/attestations/{issued['id']}")).status_code == 403


async def test_a_lost_answer_is_no_second_attestation(reception: Member) -> None:
    record = await entered(reception)
    body = {"type": "returnee_certificate", "returnee_id": record["id"]}
    key = a_key()
    async with reception.http(unit=RECEPTION) as http:
        first, second = [
            (await http.post("/v1/attestations", json=body, headers=key)).json() for _ in range(2)
        ]
    assert first == second


async def test_what_was_revoked_is_said_so_and_printed_no_more(reception: Member) -> None:
    issued = await a_certificate(reception)
    kept = await presented(reception, issued)
    before = await trust(reception)
    async with reception.http(unit=RECEPTION) as http:
        path = f"/v1/attestations/{issued['id']}/revoke"
        for reason in ("wrong", "replaced"):
            revoked = (await http.post(path, json={"reason": reason})).json()
            assert (revoked["state"], revoked["revoked_for"]) == ("revoked", "wrong")
    assert attestations.verify(kept, before, now=START).result == "valid"
    reception.node.clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(reception.app), base_url=reception.settings.base_url
    ) as anyone:
        fresh = (await anyone.get("/v1/attestations/status-list")).text
    assert attestations.add_status_list(before, fresh)
    assert attestations.verify(kept, before, now=START).result == "revoked"
    answer = await get(reception, f"{issued['id']}.pdf")
    assert answer.json()["type"].endswith("/attestation_revoked")


async def test_time_and_issuer_are_looked_at(reception: Member) -> None:
    issued = await a_certificate(reception)
    kept = await presented(reception, issued)
    trusted = await trust(reception)
    assert attestations.verify(kept, trusted, now=START + timedelta(days=366)).result == "expired"
    assert (
        attestations.verify(kept, trusted, now=START - timedelta(days=1)).result == "not_yet_valid"
    )
    late = attestations.verify(kept, trusted, now=START + timedelta(days=30))
    assert (late.result, late.revocation) == ("valid", "stale")
    assert attestations.verify(kept, attestations.Trust(), now=START).result == "unknown_issuer"
    assert attestations.verify("nonsense", trusted, now=START).result == "not_genuine"
    assert attestations.verify("A" * 9000, trusted, now=START).result == "not_genuine"
    changed = kept.replace("~", "A~", 1)
    assert attestations.verify(changed, trusted, now=START).result == "not_genuine"


async def test_a_newer_key_is_unknown_and_another_ones_key_is_a_forgery(
    reception: Member,
) -> None:
    kept = await presented(reception, await a_certificate(reception))
    trusted = await trust(reception)
    _, claims = jose.peek(kept.partition("~")[0])
    known = str(reception.node.keys.signing[0].kid)
    other = jose.generate_signing_key()
    newer = jose.sign(claims, other, typ="dc+sd-jwt") + "~"
    assert attestations.verify(newer, trusted, now=START).result == "unknown_issuer"
    forged = jose.sign(claims, other, typ="dc+sd-jwt", header={"kid": known}) + "~"
    assert attestations.verify(forged, trusted, now=START).result == "not_genuine"
    for strange in ({"vct": "x"}, {"status": {}}, {"exp": "1"}, {"iat": 10**20}):
        signed = jose.sign({**claims, **strange}, reception.node.keys.signing[0], typ="dc+sd-jwt")
        assert attestations.verify(f"{signed}~", trusted, now=START).result == "not_genuine"


async def test_a_file_of_keys_that_no_gateway_signed_trusts_nobody(reception: Member) -> None:
    document = (await get(reception, "keys")).json()
    for forged in (
        {**document, "gateways": []},
        {**document, "entries": [document["entries"][0][:-4] + "AAAA"]},
    ):
        found = attestations.read_trust(TrustedIssuers.model_validate(forged))
        assert found.issuers == {}
        assert found.lists == {}


async def test_erasing_her_erases_it(reception: Member) -> None:
    issued = await a_certificate(reception)
    held = reception.node.database.read_now(
        lambda connection: connection.exec_driver_sql(
            "select data_key_id from attestation"
        ).scalar()
    )
    reception.node.vault.destroy(str(held))
    shown = (await get(reception, issued["id"])).json()
    assert (shown["state"], shown["claims"]) == ("erased", [])
    for path in (".pdf", "/presentation"):
        answer = await get(reception, issued["id"] + path)
        assert answer.json()["type"].endswith("/grant_not_live")


async def test_nothing_personal_stands_in_the_clear(reception: Member) -> None:
    await a_certificate(reception)
    rows = reception.node.database.read_now(
        lambda connection: connection.exec_driver_sql("select * from attestation").all()
    )
    assert FIRST not in str(rows)
    events = await get(reception, "../events")
    assert "attestation" not in events.text


async def test_a_page_holds_what_was_chosen_and_nothing_else(reception: Member) -> None:
    issued = await a_certificate(reception)
    plain = await get(reception, f"{issued['id']}.pdf")
    assert plain.status_code == 200
    assert plain.headers["content-type"] == "application/pdf"
    assert plain.headers["cache-control"] == "no-store"
    named = await get(reception, f"{issued['id']}.pdf", show=["name"])
    assert b"Franklin" not in words_of(plain.content)
    assert b"Franklin" in words_of(named.content)
    assert b"Constancia de retornado" in words_of(plain.content)


async def attested_by(member: Member, **body: Any) -> httpx.Response:
    async with member.http() as http:
        return await http.post("/v1/attestations", json=body, headers=a_key())


async def shown_by(member: Member, attestation_id: str, *show: str) -> dict[str, Any]:
    async with member.http() as http:
        path = f"/v1/attestations/{attestation_id}/presentation"
        answer = await http.get(path, params={"show": list(show)} if show else {})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["shown"]
    return shown


async def test_an_acknowledgement_is_given_by_whoever_received_once_a_person_saw_it(
    network: Network,
) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    asked = {"type": "acknowledgement", "referral_id": referral}
    assert (await attested_by(institute, **asked)).status_code == 409
    await acknowledge(institute, referral, to="acknowledged", seen_by="recepción CRR, turno A")
    await network.settle()
    assert (await attested_by(shelter, **asked)).status_code == 409
    issued = (await attested_by(institute, **asked)).json()
    shown = await shown_by(institute, issued["id"])
    digest = hashlib.sha256(network.carried[0].encode()).hexdigest()
    assert shown == {
        "institution_name": INSTITUTE, "acknowledged_on": "2026-03-02", "digest": digest,
    }  # fmt: skip
    everything = await shown_by(institute, issued["id"], "seen_by", "reference_code", "name")
    assert everything["seen_by"] == "recepción CRR, turno A"
    assert everything["name"].startswith("Tomasa Isabel")


async def test_a_document_is_attested_by_its_digest_and_a_death_after_the_family_was_told(
    network: Network,
) -> None:
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    referral = await submitted(shelter, await consented(shelter))
    await network.settle()
    document = {"dated": "2026-03-01", "sha256": "ab" * 32}
    asked = {"referral_id": referral, "document": document}
    issued = (await attested_by(institute, type="psychosocial_report", **asked)).json()
    assert await shown_by(institute, issued["id"], "dated", "digest", "referred_by") == {
        "dated": "2026-03-01", "digest": "ab" * 32, "referred_by": SHELTER,
    }  # fmt: skip
    refused = await attested_by(institute, type="death_certificate", **asked)
    assert refused.json()["type"].endswith("/family_not_told")
    refused = await attested_by(institute, type="court_order", person=9, **asked)
    assert refused.status_code == 404


async def test_her_copy_of_a_consent_says_what_she_allowed_if_she_wants(network: Network) -> None:
    shelter = network.members[SHELTER]
    consent = await consented(shelter)
    asked = {"type": "consent_copy_for_person", "consent_id": consent}
    issued = (await attested_by(shelter, **asked)).json()
    assert set(await shown_by(shelter, issued["id"])) == {"institution_name", "given_on"}
    shown = await shown_by(shelter, issued["id"], "purposes", "recipients", "notice")
    assert shown["recipients"] == [RECEPTION, "gt.renap", CONSULATE]
    assert shown["notice"] == "general 3"
    async with shelter.http() as http:
        page = await http.get(f"/v1/attestations/{issued['id']}.pdf?show=purposes&show=categories")
    assert page.content.startswith(b"%PDF")


async def test_a_certificate_says_nothing_of_a_sealed_event(reception: Member) -> None:
    record = await entered(reception, sealed_event="died_on_board")
    answer = await attested(reception, type="returnee_certificate", returnee_id=record["id"])
    assert answer.json()["type"].endswith("/nothing_to_attest")


def words_of(pdf: bytes) -> bytes:
    """The page's drawing, unpacked."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    return b"".join(
        zlib.decompress(base64.a85decode(b"<~" + s.strip(), adobe=True)) for s in streams
    )


def a_sheet(**changes: Any) -> Sheet:
    values: dict[str, Any] = {
        "type": "returnee_certificate",
        "issuer": "gt.igm",
        "folio": "gt.igm 0048213",
        "issued_at": START,
        "valid_until": START,
        "shown": {},
        "presentation": "a~",
    }
    return Sheet(**(values | changes))


@pytest.mark.parametrize("name", KINDS)
async def test_every_type_can_be_printed(name: str) -> None:
    shown: dict[str, Any] = dict.fromkeys(KINDS[name].claims, "x" * 400)
    shown |= {
        "recipients": ["gt.igm"] * 60,
        "purposes": ["service_delivery"],
        "identity_document": {"type": "passport", "country": "GT", "number": "1"},
    }
    assert draw(a_sheet(type=name, shown=shown)).startswith(b"%PDF")


async def test_too_much_for_one_code_is_said() -> None:
    with pytest.raises(TooMuchForOneCodeError):
        draw(a_sheet(presentation="a" * 3000))


@pytest.mark.parametrize(
    ("name", "on_paper"),
    [
        ("Xoyon\u02bc Tz\ua78cunun", "Xoyon\u2019 Tz\u2019unun"),
        ("Núñez Peña", "Núñez Peña"),
        ("Ẃayuu 漢", "Wayuu ?"),
    ],
)
async def test_names_are_printed_in_letters_that_every_printer_has(
    name: str, on_paper: str
) -> None:
    assert printable(name) == on_paper
