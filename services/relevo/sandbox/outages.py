"""Machines fail: three referrals are sent while one is down, and arrive once each after its restart."""

import time
from datetime import UTC, datetime
from typing import Final, Literal

from . import people
from .narrator import Narrator
from .network import Network
from .story import arrivals

_WITHIN_SECONDS: Final = 60


class Outages:
    """Step 7 of the story."""

    def __init__(self, network: Network, narrator: Narrator) -> None:
        self.network = network
        self.say = narrator
        self.shelter = network.system("mx.albergue-tapachula")
        self.desk = network.system("gt.igm.crr.desk")

    def play(self) -> None:
        """The receiver's node, then each gateway; one of them in the middle of its work.

        Raises:
            StoryFailedError: A referral was lost, doubled or late.
        """
        self.say.chapter("7. Machines fail; nothing is lost and nothing comes twice")
        self.fails("gt.igm")
        self.fails("gateway.gt", how="kill")
        self.fails("gateway.mx")

    def fails(self, name: str, *, how: Literal["stop", "kill"] = "stop") -> None:
        """One process ends, three referrals are sent, and it is started again.

        Raises:
            StoryFailedError: A referral was lost, doubled or late.
        """
        say = self.say
        consent = self.shelter.post("/v1/consents", people.consent_c1(datetime.now(UTC)))
        body = people.referral_r1(consent["id"])
        if how == "kill":
            # Some work is under way at that moment.
            sent = [str(self.shelter.post("/v1/referrals", body)["id"])]
            self.network.processes.kill(name)
        else:
            sent = []
            self.network.processes.stop(name)
        say.tell(f"{name} is {'killed in the middle of its work' if how == 'kill' else 'stopped'}.")
        sent += [str(self.shelter.post("/v1/referrals", body)["id"]) for _ in range(3)]
        self.network.restart(name)
        began = time.monotonic()
        say.wait(
            f"{len(sent)} referrals that were sent arrive after {name} runs again",
            lambda: len(arrivals(self.desk, sent)) == len(sent),
            seconds=_WITHIN_SECONDS,
        )
        say.tell(f"   ({time.monotonic() - began:.1f} seconds after it was ready)")
        say.wait(
            "the shelter knows of each that it was received",
            lambda: all(self._received(referral_id) for referral_id in sent),
            seconds=_WITHIN_SECONDS,
        )
        say.check("once each", set(arrivals(self.desk, sent).values()) == {1})

    def _received(self, referral_id: str) -> bool:
        state = self.shelter.get(f"/v1/referrals/{referral_id}")["state"]
        return bool(state == "received")
