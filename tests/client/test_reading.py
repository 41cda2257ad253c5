"""Events, status, the directory, subscriptions."""

from typing import Any

import pytest

from relevo.client.exceptions import NotFoundError
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.status import Status
from relevo.contracts.vocabularies.loader import list_ids
from tests.client.world import World, busy, cut
from tests.support.institutions import START
from tests.support.node_requests import a_consent, a_submission


def test_the_feed_is_read_to_its_end_and_on_from_there(world: World, shelter: Any) -> None:
    known = list(shelter.events.read())
    last = known[-1].position if known else 0
    consent = shelter.consents.record(a_consent())
    stored = shelter.referrals.submit(a_submission(consent.id))
    world.settle()
    events = list(shelter.events.read(after=last))
    assert {event.subject for event in events} >= {stored.id}
    assert all(event.type.startswith("org.relevo.") for event in events)
    assert [event.position for event in events] == sorted(event.position for event in events)
    assert list(shelter.events.read(after=events[-1].position)) == []
    assert [event.id for event in shelter.events.read(after=events[0].position)] == [
        event.id for event in events[1:]
    ]


def test_the_feed_is_followed_through_outages(world: World, shelter: Any, clients: Any) -> None:
    consent = shelter.consents.record(a_consent())
    last = max((event.position for event in shelter.events.read()), default=0)
    patient = clients(**{**world.arguments["shelter"], "patience_seconds": 0})
    feed = patient.events.follow(last, every_seconds=0.01)
    seen = []
    for number in range(3):
        stored = shelter.referrals.submit(a_submission(consent.id))
        world.shelter.app.on("/v1/events", busy, cut)
        if number == 0:
            # The token, too: patience for it is the feed's.
            world.shelter.app.on("/oauth/token", busy)
        event = next(feed)
        assert event.subject == stored.id
        seen.append(event.position)
    feed.close()
    assert seen == sorted(seen)


def test_a_state_is_asked_by_the_code_as_people_write_it(world: World, consulate: Any) -> None:
    world.states["MX-3G9230VQVSQ"] = Status(
        reference_code="MX-3G9230VQVSQ", state="received", triage="green", since=START
    )
    status = consulate.status.ask(" mx-3g923o vqvsq ")
    assert (status.state, status.since) == ("received", START)
    with pytest.raises(NotFoundError):
        consulate.status.ask("MX-00000000000")


def test_a_miscopied_code_asks_nothing(world: World, consulate: Any) -> None:
    with pytest.raises(ValueError, match="miscopied"):
        consulate.status.ask("MX-3G9230VQVSR")
    assert world.consulate.app.seen == []


def test_routes_are_read_as_the_node_knows_them(shelter: Any) -> None:
    listed = shelter.pathways.all()
    assert [entry.id for entry in listed] == sorted(pathways())
    sealed = next(entry.id for entry in listed if entry.sensitivity == "sealed")
    for pathway_id in ("gt-retorno-al-hogar", sealed):
        read = shelter.pathways.get(pathway_id)
        assert read.pathway == pathways()[pathway_id]
        assert read.gateways_see == read.pathway.public_name
    with pytest.raises(NotFoundError):
        shelter.pathways.get("no-such-route")


def test_code_lists_are_read_in_the_clients_language(world: World, clients: Any) -> None:
    reading = clients(**world.arguments["shelter"], language="es")
    assert {entry.id for entry in reading.vocabularies.all()} == set(list_ids())
    read = reading.vocabularies.get("mandate")
    assert read.codes[0].label == read.codes[0].labels["es"]
    with pytest.raises(NotFoundError):
        reading.vocabularies.get("no_such_list")


def test_keys_are_pinned_and_listed(shelter: Any) -> None:
    known = {pin.institution: pin for pin in shelter.directory.pins()}
    assert known["gt.igm"].confirmed_by == "test"
    pinned = shelter.directory.pin(
        "gt.igm", known["gt.igm"].fingerprint, confirmed_by="Turno A, por teléfono"
    )
    assert pinned.confirmed_by == "Turno A, por teléfono"
    shelter.directory.pin("gt.igm", known["gt.igm"].fingerprint, confirmed_by="test")
