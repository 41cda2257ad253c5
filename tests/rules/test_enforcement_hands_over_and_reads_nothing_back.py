"""Domain rule 11. Units that enforce hand people over; units for victims get complaints that are wanted."""

import re
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from relevo.contracts import follow_up, handover, person, referral, returnee
from relevo.contracts.message_types.registry import MESSAGE_TYPES
from relevo.contracts.model import ContractModel
from relevo.contracts.problem import ProblemError
from relevo.contracts.victim_justice import check_purpose
from tests.support.institutions import INSTITUTE, RECEPTION
from tests.support.manifests import CSV, a_list, a_row
from tests.support.node_requests import a_key, a_person, a_submission, consented
from tests.support.nodes import Member, Network

BROUGHT: dict[str, Any] = {
    "received_by": RECEPTION,
    "brought_at": "2026-03-02T08:40:00Z",
    "place": {"country": "GT", "code": "GT-1204"},
    "persons": 3,
}
_FOR_CHECKS = re.compile(
    r"alert|interpol|warrant|wanted|alba|keneth|captur|watch_?list|black_?list|criminal|arrest"
    r"|a_?number|alien|biometric|fingerprint_image",
    re.IGNORECASE,
)


@pytest.mark.asyncio
async def test_an_acknowledgement_without_content_is_all_that_comes_back(network: Network) -> None:
    institute = network.members[INSTITUTE]
    control = {"unit": "gt.igm.control", "mandates": ["enforcement"]}
    async with institute.http(scopes="handovers:submit", **control) as http:
        answer = await http.post("/v1/handovers", json=BROUGHT, headers=a_key())
    assert answer.status_code == 202
    assert list(answer.json()) == ["receipt"]


@pytest.mark.asyncio
async def test_whatever_scopes_its_token_had_it_reads_and_writes_nothing_else(
    reception: Member,
) -> None:
    reads = (
        "/v1/referrals", "/v1/returnees", "/v1/events", "/v1/handovers", "/v1/follow-ups",
        "/v1/webhooks",
    )  # fmt: skip
    async with reception.http(unit="gt.igm.control", mandates=["enforcement"]) as http:
        for path in reads:
            assert (await http.get(path)).status_code == 403, path
        for path, body in (
            ("/v1/referrals", a_submission("0198c7a0-2c11-4e40-9d35-7b0f62a4c811")),
            ("/v1/returnees", {"identity": {"given_names": "Ana"}}),
        ):
            answer = await http.post(path, json=body, headers=a_key())
            assert answer.status_code == 403, path


@pytest.mark.asyncio
async def test_criminal_record_and_a_number_columns_are_dropped_at_the_door_and_said_so(
    reception: Member,
) -> None:
    rows = a_list(CSV, a_row(criminal_record="ZZrobo agravadoZZ", a_number="A123-456-789"))
    terms = "?reference=GT-2026-03-02-AA1&destination=GT"
    async with reception.http(unit=RECEPTION) as http:
        answer = await http.post(
            f"/v1/manifests{terms}", content=rows, headers={**a_key(), "content-type": CSV}
        )
    said = {(note["code"], note["column"]) for note in answer.json()["columns"]}
    assert said == {("forbidden_column", "criminal_record"), ("forbidden_column", "a_number")}


@pytest.mark.asyncio
async def test_neither_has_a_field_in_what_systems_send(network: Network) -> None:
    institute = network.members[INSTITUTE]
    async with institute.http(unit=RECEPTION) as http:
        for field, value in (("criminal_record", "robo"), ("a_number", "A123-456-789")):
            answer = await http.post(
                "/v1/returnees",
                json={"identity": {"given_names": "Ana"}, field: value},
                headers=a_key(),
            )
            assert answer.status_code == 422
            body = a_submission(await consented(institute), persons=[a_person(**{field: value})])
            sent = await http.post("/v1/referrals", json=body, headers=a_key())
            assert sent.status_code == 422
            assert [error["pointer"] for error in sent.json()["errors"]] == [f"/persons/0/{field}"]


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["national_id", "other"])
async def test_an_a_number_is_no_document_of_hers_either(reception: Member, kind: str) -> None:
    paper = {"type": kind, "country": "US", "number": "A 123-456-789"}
    async with reception.http(unit=RECEPTION) as http:
        answer = await http.post(
            "/v1/returnees",
            json={
                "identity": {"given_names": "Ana"},
                "identity_document": {"documents": [paper]},
            },
            headers=a_key(),
        )
    assert answer.status_code == 422
    assert "123" not in answer.text


def models() -> Iterator[type[BaseModel]]:
    """Every model that a message, a record or a submission is made of."""
    found: set[type[BaseModel]] = set()
    waiting: list[Any] = [kind.body for kind in MESSAGE_TYPES.values()]
    for module in (follow_up, handover, person, referral, returnee):
        waiting += [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, ContractModel)
        ]
    while waiting:
        annotation = waiting.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if annotation not in found:
                found.add(annotation)
                waiting += [field.annotation for field in annotation.model_fields.values()]
        elif get_origin(annotation) in {list, dict, tuple, Union, UnionType} or get_args(
            annotation
        ):
            waiting += get_args(annotation)
    yield from found


def test_there_is_no_field_for_alert_checks() -> None:
    seen = [(model.__name__, name) for model in models() for name in model.model_fields]
    assert len(seen) > 100
    # That a follow-up found somebody unsafe, and the standard's word for a notice about a service.
    hers = {("FollowUp", "alert"), ("FollowUp", "alert_referral_id"), ("Service", "alert")}
    assert {found for found in seen if _FOR_CHECKS.search(found[1])} <= hers


@pytest.mark.parametrize("mandates", [[], ["criminal_justice"], ["enforcement", "legal_aid"]])
def test_a_complaint_goes_to_units_for_victims_alone(mandates: list[str]) -> None:
    with pytest.raises(ProblemError) as refusal:
        check_purpose(
            "victim_justice", receiver="mx.fgr", mandates=mandates, basis=None, pathway="x"
        )
    assert refusal.value.name == "receiver_lacks_mandate"


def test_nobody_complains_in_her_place() -> None:
    units_for_victims = ["criminal_justice_for_victims"]
    check_purpose(
        "victim_justice", receiver="mx.fgr.v", mandates=units_for_victims, basis=None, pathway="x"
    )
    with pytest.raises(ProblemError) as refusal:
        check_purpose(
            "victim_justice",
            receiver="mx.fgr.v",
            mandates=units_for_victims,
            basis="legal_obligation",
            pathway="x",
        )
    assert refusal.value.name == "basis_not_allowed"
