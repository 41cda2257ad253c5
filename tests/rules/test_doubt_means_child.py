"""Domain rule 3: doubt means child; the authority where the child is gets told, and care never waits."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relevo.contracts.childhood import adult_on, is_alone, is_child
from relevo.contracts.person import BirthDate, Person
from relevo.node.operations.child_alternate import tell_alternates_once
from relevo.node.operations.ring import ring_once
from relevo.servicekit import jose
from tests.support.children import (
    a_child,
    a_referral_of,
    listed,
    of_guardian,
    post,
    recorded,
    tells,
    tells_both,
    told_of,
)
from tests.support.institutions import (
    ALTERNATE,
    AUTHORITY,
    INSTITUTE,
    PGN,
    RECEPTION,
    SAFE_HOUSE,
    SHELTER,
)
from tests.support.node_requests import look, step
from tests.support.nodes import Network

Networked = Callable[..., Network]
NOW = datetime(2026, 3, 2, 16, 40, tzinfo=UTC)
TO_PROTECT: dict[str, Any] = {
    "pathway": "gt-child-protection-referral",
    "purpose": "child_protection",
    "needs": [{"service": "child_protection"}],
    "share": ["identity", "child_data"],
}


def assessed(network: Network) -> dict[str, Any]:
    made = {"kind": "assessment", "made_by": AUTHORITY, "made_at": network.clock.now.isoformat()}
    return {"best_interests": made}


def a_record(birth: dict[str, str] | None = None, **changes: Any) -> Person:
    identity = None if birth is None else {"given_names": "Brenda", "birth_date": birth}
    return Person.model_validate({"person_id": "B-1", "identity": identity, **changes})


@pytest.mark.parametrize(
    ("value", "precision", "adult"),
    [
        ("2008-03-23", "day", "2026-03-23"),
        ("2008-02-29", "day", "2026-03-01"),
        ("2008-03", "month", "2026-03-31"),
        ("2008", "year", "2026-12-31"),
        ("2006", "estimated", "2026-12-31"),
    ],
)
def test_the_youngest_that_a_date_allows_counts(value: str, precision: Any, adult: str) -> None:
    assert adult_on(BirthDate(value=value, precision=precision)).isoformat() == adult


@pytest.mark.parametrize(
    ("record", "child"),
    [
        (a_record({"value": "2008-03-23", "precision": "day"}), True),
        (a_record({"value": "2008-03-02", "precision": "day"}), False),
        (a_record({"value": "2008", "precision": "year"}), True),
        (a_record({"value": "2007", "precision": "year"}), False),
        (a_record({"value": "2006", "precision": "estimated"}), True),
        (a_record(), False),
        (a_record(child_data={"child_care_status": "unknown"}), True),
        (a_record(case_profile="unaccompanied_or_separated_child"), True),
        (
            a_record(
                {"value": "2005-01-20", "precision": "day"},
                child_data={"child_care_status": "age_disputed"},
            ),
            True,
        ),
    ],
    ids=str,
)
def test_doubt_means_child(record: Person, child: bool) -> None:  # noqa: FBT001
    assert is_child(record, NOW) is child


def test_a_child_with_a_parent_is_not_alone_and_a_disputed_age_is() -> None:
    assert not is_alone(
        a_record(child_data={"child_care_status": "with_parent_or_legal_guardian"}), NOW
    )
    assert is_alone(a_record(child_data={"child_care_status": "age_disputed"}), NOW)


@pytest.mark.asyncio
async def test_the_authority_is_told_in_the_same_transaction_and_by_law(
    networked: Networked,
) -> None:
    network = networked(SHELTER, INSTITUTE, AUTHORITY)
    shelter = network.members[SHELTER]
    tells(shelter)
    sent = (await post(shelter, "/v1/referrals", a_referral_of(a_child(), RECEPTION))).json()
    notice = sent["child_notice"]
    assert (notice["authority"], notice["problem"]) == (AUTHORITY, None)
    assert ("referral.child_authority_told", sent["id"]) in await told_of(shelter)
    [shown] = (await look(shelter, sent["id"]))["child_notices"]
    assert shown["referral_id"] == notice["referral_id"]
    await network.settle()
    there = await look(network.members[AUTHORITY], notice["referral_id"])
    assert there["triage"] == "red"
    child = there["persons"][0]
    assert child["child_data"]["opinion"]["words"].startswith("Todavía no quiero")
    assert "contact" not in child
    [envelope] = [
        claims
        for claims in (jose.peek(jws)[1] for jws in network.carried)
        if claims["aud"] == AUTHORITY
    ]
    assert envelope["basis"]["basis"] == "legal_obligation"
    assert "Niñas, Niños y Adolescentes" in envelope["basis"]["law"]
    assert "child-protection-notice" not in json.dumps(envelope)
    helped = await look(network.members[INSTITUTE], sent["id"])
    assert (helped["state"], helped["marks"]) == ("received", [])


@pytest.mark.asyncio
async def test_care_does_not_wait_for_a_notice_that_cannot_be_delivered(
    networked: Networked,
) -> None:
    network = networked(SHELTER, INSTITUTE, AUTHORITY)
    shelter = network.members[SHELTER]
    tells(shelter)
    network.states[AUTHORITY] = "suspended"
    sent = (await post(shelter, "/v1/referrals", a_referral_of(a_child(), RECEPTION))).json()
    await network.settle()
    assert (await look(network.members[INSTITUTE], sent["id"]))["state"] == "received"
    assert sent["child_notice"]["problem"] == "receiver_not_active"
    assert ("referral.child_notice_needs_person", sent["id"]) in await told_of(shelter)


@pytest.mark.asyncio
async def test_without_an_authority_the_child_is_helped_and_both_sides_are_told(
    networked: Networked,
) -> None:
    network = networked(SHELTER, INSTITUTE)
    shelter, institute = network.members[SHELTER], network.members[INSTITUTE]
    consent = await recorded(
        shelter,
        of_guardian("B-1", RECEPTION) | {"categories": ["identity", "family"]},
    )
    child = a_child(case_profile="unaccompanied_or_separated_child")
    body = a_referral_of(child, RECEPTION, consent_ids=[consent], basis=None)
    sent = (await post(shelter, "/v1/referrals", body)).json()
    assert sent["child_notice"]["problem"] == "child_authority_unknown"
    await network.settle()
    assert (await look(institute, sent["id"]))["state"] == "received"


@pytest.mark.asyncio
async def test_the_receiver_marks_a_child_of_whom_nobody_was_told(networked: Networked) -> None:
    network = networked(SHELTER, SAFE_HOUSE)
    shelter, house = network.members[SHELTER], network.members[SAFE_HOUSE]
    body = a_referral_of(a_child(), SAFE_HOUSE, **TO_PROTECT, children=assessed(network))
    sent = await post(shelter, "/v1/referrals", body)
    assert sent.json()["child_notice"]["problem"] == "child_authority_unknown"
    await network.settle()
    there = await look(house, sent.json()["id"])
    assert (there["state"], there["marks"]) == ("received", ["child_authority_not_told"])
    assert ("referral.child_authority_not_told", there["id"]) in await told_of(house)


@pytest.mark.asyncio
async def test_an_implicated_authority_learns_nothing_and_the_alternate_is_told(
    networked: Networked,
) -> None:
    network = networked(SHELTER, INSTITUTE, AUTHORITY, ALTERNATE)
    shelter = network.members[SHELTER]
    tells_both(shelter)
    said = a_referral_of(a_child(), RECEPTION, children={"authority_implicated": True})
    concern = {"summary": "Un empleado.", "implicated": [{"party": AUTHORITY}]}
    recorded_as = a_referral_of(a_child(protection_concern=concern), RECEPTION)
    for body in (said, recorded_as):
        sent = (await post(shelter, "/v1/referrals", body)).json()
        assert sent["child_notice"]["authority"] == ALTERNATE
    await network.settle()
    assert await listed(network.members[AUTHORITY]) == []
    assert len(await listed(network.members[ALTERNATE])) == 2


@pytest.mark.asyncio
async def test_the_alternate_is_told_when_the_authority_is_silent_past_its_clock(
    networked_on_each: Networked,
) -> None:
    network = networked_on_each(SHELTER, INSTITUTE, AUTHORITY, ALTERNATE)
    shelter = network.members[SHELTER]
    tells_both(shelter)
    silent = (await post(shelter, "/v1/referrals", a_referral_of(a_child(), RECEPTION))).json()
    seen = (await post(shelter, "/v1/referrals", a_referral_of(a_child(), RECEPTION))).json()
    await network.settle()
    await step(network.members[AUTHORITY], seen["child_notice"]["referral_id"], to="acknowledged")
    await network.settle()
    assert await tell_alternates_once(shelter.node, shelter.directory)
    assert not await tell_alternates_once(shelter.node, shelter.directory)
    assert await listed(network.members[ALTERNATE]) == []
    network.clock.advance(timedelta(hours=25))
    await ring_once(shelter.node)
    assert await tell_alternates_once(shelter.node, shelter.directory)
    assert not await tell_alternates_once(shelter.node, shelter.directory)
    await network.settle()
    assert len(await listed(network.members[ALTERNATE])) == 1
    told = (await look(shelter, silent["id"]))["child_notices"]
    assert [notice["authority"] for notice in told] == [AUTHORITY, ALTERNATE]


@pytest.mark.asyncio
async def test_the_country_of_origin_is_told_after_a_best_interests_assessment_only(
    networked: Networked,
) -> None:
    network = networked(SHELTER, PGN, AUTHORITY)
    shelter = network.members[SHELTER]
    tells(shelter)
    child = a_child()
    refused = await post(shelter, "/v1/referrals", a_referral_of(child, PGN, **TO_PROTECT))
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (
        403,
        "best_interests_needed",
    )
    taken = await post(
        shelter,
        "/v1/referrals",
        a_referral_of(child, PGN, **TO_PROTECT, children=assessed(network)),
    )
    assert taken.status_code == 201, taken.text
    # The authority where she is was told all the same.
    assert taken.json()["child_notice"]["authority"] == AUTHORITY
    await network.settle()
    assert (await look(network.members[PGN], taken.json()["id"]))["marks"] == []


@pytest.mark.asyncio
async def test_one_notice_is_enough_when_it_is_named(networked: Networked) -> None:
    network = networked(SHELTER, INSTITUTE, AUTHORITY)
    shelter = network.members[SHELTER]
    tells(shelter)
    first = (await post(shelter, "/v1/referrals", a_referral_of(a_child(), RECEPTION))).json()
    notice = first["child_notice"]["referral_id"]
    again = a_referral_of(a_child(), RECEPTION, children={"told_in": notice})
    assert (await post(shelter, "/v1/referrals", again)).json()["child_notice"] is None
    wrong = a_referral_of(a_child(), RECEPTION, children={"told_in": first["id"]})
    answer = await post(shelter, "/v1/referrals", wrong)
    assert answer.json()["errors"][0]["pointer"] == "/children/told_in"


@pytest.mark.asyncio
async def test_the_authority_itself_tells_nobody_that_it_knows(networked: Networked) -> None:
    network = networked(AUTHORITY, INSTITUTE)
    authority, institute = network.members[AUTHORITY], network.members[INSTITUTE]
    tells(authority)
    sent = await post(authority, "/v1/referrals", a_referral_of(a_child(), RECEPTION))
    assert (sent.status_code, sent.json()["child_notice"]) == (201, None)
    await network.settle()
    assert (await look(institute, sent.json()["id"]))["marks"] == []
    assert "referral.child_notice_needs_person" not in {t for t, _ in await told_of(authority)}
