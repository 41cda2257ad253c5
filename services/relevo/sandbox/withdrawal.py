"""Consent is withdrawn before anybody accepted: nothing more is released, and the receiver is told."""

from datetime import UTC, datetime
from typing import Any

import httpx

from . import people
from .narrator import Narrator
from .network import Network
from .story import received_events

_REFERRALS = "/v1/referrals"


class WithdrawalStory:
    """Step 6 of the story: one referral that arrived, one that the gateway still holds."""

    def __init__(self, network: Network, narrator: Narrator) -> None:
        self.network = network
        self.say = narrator
        self.shelter = network.system("mx.albergue-tapachula")
        self.desk = network.system("gt.igm.crr.desk")

    def play(self) -> None:
        """All of it.

        Raises:
            StoryFailedError: Something did not hold.
        """
        say = self.say
        say.chapter("6. She withdraws her consent before anybody accepted")
        consent = self.shelter.post("/v1/consents", people.consent_c1(datetime.now(UTC)))
        arrived = self._submit(consent["id"])
        say.wait("a referral arrives under C1", lambda: received_events(self.desk, [arrived]))
        self.network.processes.stop("gt.igm")
        say.tell("The institute's node is stopped.")
        held = self._submit(consent["id"])
        say.wait(
            "a second one waits at the institute's gateway",
            lambda: self._at_shelter(held)["delivery"] == "accepted",
        )
        self.shelter.post(
            f"/v1/consents/{consent['id']}/withdraw",
            {"said_at": people.moment(datetime.now(UTC)), "recorded_by": "turno B"},
        )
        say.tell("Tomasa tells the shelter that she no longer wants it. Nobody asks her why.")
        say.wait(
            "the gateway releases nothing more under it: the second one is refused",
            lambda: self._is_refused(held),
        )
        self.network.restart("gt.igm")
        say.tell("The institute's node runs again.")
        say.wait(
            "the receiver is told: the first one ends as consent_withdrawn, sharing withdrawn",
            lambda: self._at_desk(arrived).get("sharing") == "withdrawn",
        )
        say.check("on the receiver's side", self._state(self._at_desk(arrived)))
        say.wait("and on the sender's", lambda: self._state(self._at_shelter(arrived)))
        again = self.shelter.call("POST", _REFERRALS, people.referral_r1(consent["id"]))
        say.refused("nothing new is sent under it", again, 403, "consent_not_active")
        unseen = self.desk.call("GET", f"{_REFERRALS}/{held}")
        say.check(
            "and the second one never reached the institute",
            unseen.status_code == httpx.codes.NOT_FOUND and not received_events(self.desk, [held]),
        )

    def _submit(self, consent_id: str) -> str:
        return str(self.shelter.post(_REFERRALS, people.referral_r1(consent_id))["id"])

    def _at_shelter(self, referral_id: str) -> Any:
        return self.shelter.get(f"{_REFERRALS}/{referral_id}")

    def _at_desk(self, referral_id: str) -> Any:
        return self.desk.get(f"{_REFERRALS}/{referral_id}")

    def _is_refused(self, referral_id: str) -> bool:
        held = self._at_shelter(referral_id)
        return bool(held["delivery"] == "refused" and held["delivery_problem"] == "grant_not_live")

    @staticmethod
    def _state(referral: Any) -> bool:
        return bool(referral["state"] == "consent_withdrawn")
