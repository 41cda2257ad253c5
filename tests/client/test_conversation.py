"""What goes wrong between a system and its node, and that nothing happens twice or is lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from relevo.client.exceptions import (
    CredentialsRefusedError,
    NotAllowedError,
    NotTheContractError,
    UnavailableError,
)
from relevo.client.relevo import Relevo
from relevo.contracts.scopes import Scope
from relevo.sandbox.link import Link
from relevo.sandbox.ports import free_port
from relevo.servicekit import jose
from tests.client.world import (
    Clients,
    World,
    bad_gateway,
    busy,
    cut,
    forgotten,
    in_flight,
    strange,
    too_many,
)
from tests.support.node_requests import a_consent, a_submission
from tests.support.serving import HOST

ABSENT = "0198c7a2-4f1e-7d51-9a60-6f1b7a51c0de"


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def sent_by(shelter: Any) -> set[str]:
    return {referral.id for referral in shelter.referrals.find(role="sender")}


# -- answers that never came ------------------------------------------------------------------------


def test_a_server_that_dies_in_the_middle_of_an_answer_stores_one_referral(
    world: World, shelter: Any
) -> None:
    consent = shelter.consents.record(a_consent())
    before = sent_by(shelter)
    world.shelter.app.keys.clear()
    world.shelter.app.on("/v1/referrals", cut, cut)
    stored = shelter.referrals.submit(a_submission(consent.id))
    assert sent_by(shelter) - before == {stored.id}
    assert world.shelter.app.count("POST /v1/referrals") == 3
    [key] = {key for key in world.shelter.app.keys if key is not None}
    assert len(key) == 36


def test_a_step_whose_answer_is_lost_is_taken_once(world: World, shelter: Any, desk: Any) -> None:
    consent = shelter.consents.record(a_consent())
    stored = shelter.referrals.submit(a_submission(consent.id))
    world.settle()
    world.institute.app.on(f"/v1/referrals/{stored.id}/transitions", cut)
    assert desk.referrals.acknowledge(stored.id).state == "acknowledged"
    states = [entry.state for entry in desk.referrals.history(stored.id)]
    assert states == ["submitted", "received", "acknowledged"]


def test_a_subscription_whose_answer_is_lost_is_not_asked_for_again(
    world: World, shelter: Any
) -> None:
    world.shelter.app.on("/v1/webhooks", cut)
    with pytest.raises(UnavailableError):
        shelter.webhooks.add("https://system.example/relevo")
    [made] = shelter.webhooks.all()
    shelter.webhooks.remove(made.id)


def test_a_removal_whose_answer_is_lost_is_done(world: World, shelter: Any) -> None:
    made = shelter.webhooks.add("https://system.example/relevo")
    world.shelter.app.on(f"/v1/webhooks/{made.id}", bad_gateway)
    shelter.webhooks.remove(made.id)
    shelter.webhooks.remove(made.id)
    assert shelter.webhooks.all() == []


def test_a_line_that_is_down_is_waited_for(world: World, clients: Clients) -> None:
    told: list[str] = []
    with Link() as line:
        port = line.forward(int(world.shelter.address.rpartition(":")[2]))

        def tell(why: Exception, _: float) -> None:
            told.append(str(why))
            if len(told) == 3:
                line.bring_up()

        arguments = {**world.arguments["shelter"], "address": f"http://{HOST}:{port}"}
        shelter = clients(**arguments, on_retry=tell)
        assert shelter.consents.record(a_consent()).state == "active"
        line.take_down()
        told.clear()
        assert shelter.consents.record(a_consent()).state == "active"
    assert len(told) >= 3
    assert told[0].startswith("The node cannot be reached")


# -- answers that ask to wait -----------------------------------------------------------------------


def test_busy_nodes_are_asked_again(world: World, clients: Clients) -> None:
    told: list[tuple[str, float]] = []
    shelter = clients(
        **world.arguments["shelter"],
        on_retry=lambda why, pause: told.append((type(why).__name__, pause)),
    )
    world.shelter.app.on("/v1/consents", busy, bad_gateway, in_flight, busy)
    assert shelter.consents.record(a_consent()).state == "active"
    assert [name for name, _ in told] == ["UnavailableError"] * 4


def test_an_issuer_that_is_busy_is_asked_again(world: World, shelter: Any) -> None:
    world.shelter.app.on("/.well-known/", busy, cut)
    world.shelter.app.on("/oauth/token", cut, bad_gateway)
    assert shelter.consents.record(a_consent()).state == "active"


def test_who_shall_wait_longer_than_there_is_time_is_told_at_once(
    world: World, shelter: Any
) -> None:
    world.shelter.app.on("/v1/consents", too_many)
    began = time.monotonic()
    with pytest.raises(UnavailableError) as failed:
        shelter.consents.record(a_consent(), key="night-1")
    assert time.monotonic() - began < 5
    assert failed.value.retry_after == 3600
    assert failed.value.idempotency_key == "night-1"
    assert failed.value.problem is not None
    assert failed.value.problem.status == 429


def test_tries_end_with_the_patience(world: World, clients: Clients) -> None:
    arguments = {
        **world.arguments["shelter"],
        "address": f"http://{HOST}:{free_port()}",
        "patience_seconds": 0.3,
    }
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="cannot be reached"):
        clients(**arguments).consents.record(a_consent())
    assert 0.1 < time.monotonic() - began < 5


# -- tokens -----------------------------------------------------------------------------------------


def test_one_token_serves_until_a_minute_before_it_expires(world: World, clients: Clients) -> None:
    clock = Seconds()
    shelter = clients(**world.arguments["shelter"], clock=clock)
    asked = world.shelter.app
    for now, tokens in ((1000, 1), (1239, 1), (1241, 2), (1479, 2)):
        clock.now = now
        list(shelter.events.read())
        assert asked.count("POST /oauth/token") == tokens
    assert asked.count("GET /.well-known/oauth-authorization-server") == 1


def test_a_token_that_no_longer_counts_is_renewed_once(world: World, shelter: Any) -> None:
    list(shelter.events.read())
    world.shelter.app.on("/v1/consents", forgotten)
    assert shelter.consents.record(a_consent()).state == "active"
    assert world.shelter.app.count("POST /oauth/token") == 2


def test_a_node_that_refuses_every_token_is_not_asked_for_ever(world: World, shelter: Any) -> None:
    world.shelter.app.on("/v1/consents", forgotten, forgotten)
    with pytest.raises(NotAllowedError) as refused:
        shelter.consents.record(a_consent())
    assert refused.value.name == "invalid_token"


def test_a_client_with_another_key_gets_no_token(
    world: World, clients: Clients, tmp_path: Any
) -> None:
    other = tmp_path / f"other-{clients.kind}.jwk"
    jose.save_key(other, jose.generate_signing_key())
    with pytest.raises(CredentialsRefusedError) as refused:
        clients(**{**world.arguments["shelter"], "key": other}).consents.get(ABSENT)
    assert refused.value.error == "invalid_client"


def test_a_machine_whose_clock_is_wrong_is_told_so(
    world: World, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    from relevo.client import tokens

    shelter = clients(**world.arguments["shelter"])

    class SlowClock:
        time = staticmethod(lambda: time.time() - 3600)

    monkeypatch.setattr(tokens, "time", SlowClock)
    with pytest.raises(
        CredentialsRefusedError, match=r"clock differs from the node.s by -3[56]\d\d"
    ):
        shelter.consents.get(ABSENT)


def test_a_client_without_the_scope_is_not_allowed(world: World, clients: Clients) -> None:
    arguments = world.shelter.register(f"reader-{clients.kind}", scopes=(Scope.REFERRALS_READ,))
    with pytest.raises(NotAllowedError) as refused:
        clients(**arguments).consents.record(a_consent())
    assert refused.value.name == "insufficient_scope"


def test_threads_share_a_client_and_its_token(world: World) -> None:
    with Relevo(**world.arguments["shelter"]) as shelter, ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: shelter.consents.record(a_consent()).id, range(16)))
    assert len(set(made)) == 16
    assert world.shelter.app.count("POST /oauth/token") == 1


# -- answers of somebody else -----------------------------------------------------------------------


def test_a_page_of_something_else_is_no_answer(world: World, shelter: Any) -> None:
    world.shelter.app.on("/v1/events", strange)
    with pytest.raises(NotTheContractError, match="does not fit"):
        list(shelter.events.read())


def test_something_else_than_an_issuer_gives_no_token(world: World, shelter: Any) -> None:
    world.shelter.app.on("/.well-known/", strange)
    with pytest.raises(NotTheContractError, match="No issuer"):
        list(shelter.events.read())


def test_an_issuer_of_another_name_gets_no_assertion(world: World, clients: Clients) -> None:
    arguments = {**world.arguments["shelter"], "node": "https://elsewhere.example"}
    with pytest.raises(NotTheContractError, match="calls itself 'https://mx"):
        list(clients(**arguments).events.read())
    assert world.shelter.app.count("POST") == 0
