"""What is refused, and how each refusal says why: a documented problem, and nothing stored."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from . import people
from .forgery import deliver_with_other_grants
from .narrator import Narrator, StoryFailedError
from .network import Network

_REFERRALS: Final = "/v1/referrals"
_SUSPENDED_SECONDS: Final = 60


class Refusals:
    """Step 5 of the story. Each answer is awaited from the shelter's own node, but for the last."""

    def __init__(self, network: Network, narrator: Narrator) -> None:
        self.network = network
        self.say = narrator
        self.shelter = network.system("mx.albergue-tapachula")
        self.desk = network.system("gt.igm.crr.desk")

    def play(self) -> None:
        """Every refusal.

        Raises:
            StoryFailedError: Something was let through, or refused otherwise.
        """
        self.say.chapter("5. What is refused, each with its documented problem")
        before = self._count()
        self.consent()
        self.country_of_origin()
        self.callers()
        self.receivers()
        self.say.check("nothing of all this was stored", self._count() == before)
        self.repeated_key()
        self.illegal_step()
        self.other_grants()

    def consent(self) -> None:
        """Consent that is missing or does not cover."""
        now = datetime.now(UTC)
        self._refused("no consent", None, 403, "consent_missing")
        other = self._consent(recipients=[{"party": "gt.igm.car"}])
        self._refused(
            "consent that names somebody else", other, 403, "consent_does_not_cover_receiver"
        )
        denied = self._consent(denials=[{"party": "gt.igm"}])
        self._refused("a receiver she said no to", denied, 403, "receiver_denied_by_person")
        good = self._consent()
        self._refused(
            "a kind of data she did not allow",
            good,
            403,
            "consent_does_not_cover_category",
            share=[*people.SHARED, "health"],
        )
        over = self._consent(
            given_at=people.moment(now - timedelta(days=10)),
            valid_from=people.moment(now - timedelta(days=10)),
            valid_until=people.moment(now - timedelta(days=1)),
        )
        self._refused("consent that has ended", over, 403, "consent_does_not_cover_date")
        early = self._consent(valid_from=people.moment(now + timedelta(days=2)))
        self._refused("consent that has not begun", early, 403, "consent_does_not_cover_date")

    def country_of_origin(self) -> None:
        """Somebody who needs protection from her own country."""
        seeker = people.tomasa(specific_needs=["international_protection_need"])
        self._refused(
            "an institution of the country she asks protection from",
            self._consent(),
            403,
            "country_of_origin_excluded",
            persons=[seeker],
        )

    def callers(self) -> None:
        """Tokens that are missing or not enough."""
        body = people.referral_r1(self._consent())
        lesser = self.shelter.call("POST", _REFERRALS, body, scopes=["referrals:read"])
        self.say.refused("a token without the scope", lesser, 403, "insufficient_scope")
        nobody = httpx.post(
            self.network.nodes["mx.albergue-tapachula"].address + _REFERRALS,
            json=body,
            headers={"idempotency-key": str(uuid.uuid4())},
            trust_env=False,
        )
        self.say.refused("no token", nobody, 401, "invalid_token")

    def receivers(self) -> None:
        """Receivers that are not there, or may not receive now."""
        anyone = self._consent(recipients=[{"party": "gt.nadie"}, {"party": "gt.igm.crr"}])
        self._refused(
            "a receiver that nobody knows", anyone, 422, "receiver_unknown", receiver="gt.nadie"
        )
        control = self._consent(recipients=[{"party": "gt.igm.control"}])
        self._refused(
            "a unit that enforces",
            control,
            403,
            "receiver_lacks_mandate",
            receiver="gt.igm.control",
        )
        self.network.suspend("hn.camr-sps")
        try:
            self._suspension_bites()
        finally:
            self.network.resume("hn.camr-sps")

    def repeated_key(self) -> None:
        """The same key with another body."""
        key = str(uuid.uuid4())
        body = people.referral_r1(self._consent())
        self.shelter.post(_REFERRALS, body, key=key)
        other = self.shelter.call("POST", _REFERRALS, {**body, "triage": "red"}, key=key)
        self.say.refused("the same key with another body", other, 422, "idempotency_key_reused")

    def illegal_step(self) -> None:
        """A step that the lifecycle does not have, or that is the other side's."""
        sent = self.shelter.post(_REFERRALS, people.referral_r1(self._consent()))
        path = f"{_REFERRALS}/{sent['id']}"
        self.say.wait(
            "another referral arrives",
            lambda: self.desk.call("GET", path).status_code == httpx.codes.OK,
        )
        step = self.desk.call("POST", f"{path}/transitions", {"to": "in_progress"})
        problem = self.say.refused(
            "a step that the lifecycle does not have", step, 409, "illegal_transition"
        )
        self.say.check(
            "which names both states",
            (problem["from_state"], problem["to_state"]) == ("received", "in_progress"),
        )

    def other_grants(self) -> None:
        """Content whose inside names other grants than the envelope around it."""
        answer = deliver_with_other_grants(self.network)
        name = "" if answer.problem is None else answer.problem.type.rpartition("/")[2]
        self.say.check(
            "content that names other grants than its envelope → refused by the receiver's node: "
            "grant_mismatch",
            (answer.result, name) == ("refused", "grant_mismatch"),
        )

    def _suspension_bites(self) -> None:
        # Its consent names nobody in Honduras, so that nothing leaves while the news travels.
        body = people.referral_r1(self._consent(), receiver="hn.camr-sps")
        deadline = time.monotonic() + _SUSPENDED_SECONDS
        while True:
            answer = self.shelter.call("POST", _REFERRALS, body)
            if "receiver_not_active" in answer.text:
                break
            if time.monotonic() > deadline:
                raise StoryFailedError("a suspended receiver is still taken for active")
            time.sleep(0.5)
        self.say.refused("a suspended receiver", answer, 403, "receiver_not_active")

    def _refused(
        self, text: str, consent_id: str | None, status: int, problem: str, **changes: Any
    ) -> None:
        body = people.referral_r1(consent_id, **changes)
        self.say.refused(text, self.shelter.call("POST", _REFERRALS, body), status, problem)

    def _consent(self, **changes: Any) -> str:
        given = people.consent_c1(datetime.now(UTC), **changes)
        return str(self.shelter.post("/v1/consents", given)["id"])

    def _count(self) -> int:
        return len(self.shelter.get(_REFERRALS, limit=200)["referrals"])
