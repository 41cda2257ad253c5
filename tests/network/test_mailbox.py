"""An authority without an open port: what waits for it, what of that can be read, and that it all arrives."""

from datetime import UTC, datetime

import pytest

from relevo.sandbox import people
from relevo.sandbox.narrator import Narrator
from relevo.sandbox.network import Network
from relevo.sandbox.readable import words_in_database
from relevo.sandbox.story import arrivals

DESK = "gt.igm.crr.desk"
_SOON = 60


def refer(network: Network, count: int) -> list[str]:
    """R2, so many times, each part of the same R1."""
    shelter, desk = network.system("mx.albergue-tapachula"), network.system(DESK)
    c1 = shelter.post("/v1/consents", people.consent_c1(datetime.now(UTC)))
    r1 = shelter.post("/v1/referrals", people.referral_r1(c1["id"]))["id"]
    Narrator().wait("R1 arrives", lambda: arrivals(desk, [r1]))
    c2 = desk.post("/v1/consents", people.consent_c2(datetime.now(UTC)))
    body = people.referral_r2(c2["id"], r1)
    return [str(desk.post("/v1/referrals", body)["id"]) for _ in range(count)]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_what_waits_in_a_mailbox_arrives_once_when_its_node_runs_again(
    network: Network, how: str
) -> None:
    desk, authority = network.system(DESK), network.system("gt.pgn.desk")
    # In the middle of a long poll.
    getattr(network.processes, how)("gt.pgn")
    sent = refer(network, 3)
    Narrator().wait(
        "the gateway took them",
        lambda: all(desk.get(f"/v1/referrals/{one}")["delivery"] == "accepted" for one in sent),
    )
    network.restart("gt.pgn")
    Narrator().wait(
        "they arrive", lambda: len(arrivals(authority, sent)) == len(sent), seconds=_SOON
    )
    assert set(arrivals(authority, sent).values()) == {1}
    for one in sent:
        Narrator().wait(
            "its sender holds the receipt, and knows that it was received",
            lambda one=one: (
                desk.get(f"/v1/referrals/{one}")["delivery"] == "delivered"
                and desk.get(f"/v1/referrals/{one}")["state"] == "received"
            ),
            seconds=_SOON,
        )


def test_while_it_waits_a_gateway_reads_the_class_of_the_route_and_no_more(
    network: Network,
) -> None:
    network.processes.stop("gt.pgn")
    [sent] = refer(network, 1)
    desk = network.system(DESK)
    Narrator().wait(
        "the gateway took it",
        lambda: desk.get(f"/v1/referrals/{sent}")["delivery"] == "accepted",
    )
    secrets = [*people.FACTS, *people.NAMES, "gt-child-protection-referral"]
    url = network.gateways["gateway.gt"].settings.database_url
    assert words_in_database(url, [*secrets, "sealed-protection", "gt.pgn"]) == {
        "sealed-protection",
        "gt.pgn",
    }
    network.restart("gt.pgn")
    authority = network.system("gt.pgn.desk")
    Narrator().wait("it arrives", lambda: arrivals(authority, [sent]), seconds=_SOON)


def test_a_mailbox_survives_that_its_gateway_is_killed(network: Network) -> None:
    authority = network.system("gt.pgn.desk")
    sent = refer(network, 2)
    network.processes.kill("gateway.gt")
    network.restart("gateway.gt")
    Narrator().wait(
        "they arrive", lambda: len(arrivals(authority, sent)) == len(sent), seconds=_SOON
    )
    assert set(arrivals(authority, sent).values()) == {1}
