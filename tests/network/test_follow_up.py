"""The last part of the main story, a month later, on a federation of real processes."""

from datetime import UTC, datetime, timedelta

from relevo.sandbox.follow_up import FollowUpStory
from relevo.sandbox.narrator import Narrator
from relevo.sandbox.network import Network


def test_the_consulate_learns_how_she_is_and_she_is_reached_as_she_said(
    network: Network, narrator: Narrator
) -> None:
    FollowUpStory(network, narrator).play()
    assert narrator.held >= 17
    assert network.clock.offset() == timedelta()
    assert abs(network.clock.business() - datetime.now(UTC)) < timedelta(seconds=5)
