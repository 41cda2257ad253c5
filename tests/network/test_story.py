"""The main story on a federation of real processes, on both databases."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from relevo.sandbox import people
from relevo.sandbox.narrator import Narrator
from relevo.sandbox.network import Network
from relevo.sandbox.outages import Outages
from relevo.sandbox.readable import readable_words
from relevo.sandbox.refusals import Refusals
from relevo.sandbox.story import Story, arrivals
from relevo.sandbox.withdrawal import WithdrawalStory


def test_a_consented_referral_crosses_a_border_and_comes_back_closed(
    network: Network, narrator: Narrator
) -> None:
    Story(network, narrator).play()
    assert narrator.held >= 25


def test_every_refusal_is_a_documented_problem(network: Network, narrator: Narrator) -> None:
    Refusals(network, narrator).play()


def test_nothing_is_released_after_consent_is_withdrawn(
    network: Network, narrator: Narrator
) -> None:
    WithdrawalStory(network, narrator).play()


@pytest.mark.parametrize(
    ("name", "how"),
    [("gt.igm", "stop"), ("gateway.gt", "stop"), ("gateway.mx", "stop"), ("gateway.gt", "kill")],
)
def test_what_was_sent_while_a_process_was_down_arrives_once(
    network: Network, narrator: Narrator, name: str, how: Any
) -> None:
    Outages(network, narrator).fails(name, how=how)


def test_referrals_submitted_at_the_same_time_arrive_once_each(network: Network) -> None:
    shelter = network.system("mx.albergue-tapachula")
    desk = network.system("gt.igm.crr.desk")
    consent = shelter.post("/v1/consents", people.consent_c1(datetime.now(UTC)))
    body = people.referral_r1(consent["id"])
    with ThreadPoolExecutor(4) as pool:
        # Each twice with one key, as a system does whose first answer was lost.
        answers = list(
            pool.map(
                lambda number: shelter.call("POST", "/v1/referrals", body, key=f"same-{number}"),
                [*range(8), *range(8)],
            )
        )
    sent = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(sent) == 8
    assert {answer.status_code for answer in answers} <= {201, 409}
    Narrator().wait("they arrive", lambda: len(arrivals(desk, list(sent))) == 8)
    assert set(arrivals(desk, list(sent)).values()) == {1}


def test_no_log_holds_a_word_about_a_person(network: Network, log_of: Callable[[str], str]) -> None:
    shelter = network.system("mx.albergue-tapachula")
    desk = network.system("gt.igm.crr.desk")
    consent = shelter.post("/v1/consents", people.consent_c1(datetime.now(UTC)))
    sent = shelter.post("/v1/referrals", people.referral_r1(consent["id"]))["id"]
    Narrator().wait("it arrives", lambda: arrivals(desk, [sent]))
    # Input that is wrong is where values end up in logs.
    shelter.call("POST", "/v1/referrals", {"persons": [people.tomasa(Temaj="Temaj")]})
    for place in network.places:
        text = log_of(place.name)
        assert text.strip(), place.name
        assert not readable_words(text.encode(), people.NAMES), place.name
        for line in text.splitlines():
            assert json.loads(line)["service"] == place.name
