"""A month later: the consulate asks how she is, and she is reached only as she said she may be.

The business clock is moved; tokens, keys and signatures go by the real one all the while.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from . import people
from .narrator import Narrator
from .network import Network
from .readable import words_in_database
from .story import UNKNOWN_CODE, received_events

HERE: Final = ZoneInfo("America/Guatemala")
"""Where she is called; the hours that she named are its hours."""
_FOLLOW_UPS: Final = "/v1/follow-ups"
_LEARNED: Final = ("Vive con su hija", "vocational_training", "with_own_family")


class FollowUpStory:
    """From the consulate's request on day 2 to the result on day 31.

    Attributes:
        code: Reference code of the referral that is followed up.
        follow_up_id: The same on both sides.
    """

    def __init__(self, network: Network, narrator: Narrator) -> None:
        self.network = network
        self.say = narrator
        self.shelter = network.system("mx.albergue-tapachula")
        self.desk = network.system("gt.igm.crr.desk")
        self.officer = network.system("gt.consulado-tapachula")
        self.code = ""
        self.follow_up_id = ""
        self._midnight = datetime.now(HERE).replace(hour=0, minute=0, second=0, microsecond=0)

    def play(self) -> None:
        """All of it; afterwards it is today again.

        Raises:
            StoryFailedError: Something did not hold.
        """
        self.say.chapter("8. A month after her return somebody asks how she is")
        try:
            self._refer()
            self._ask()
            self._try()
            self._report()
            self._nobody_else_learns()
        finally:
            self.network.set_clock_right()

    def _refer(self) -> None:
        consent = self.shelter.post("/v1/consents", people.consent_c1(datetime.now(UTC)))
        sent = self.shelter.post("/v1/referrals", people.referral_r1(consent["id"]))
        self.code = sent["reference_code"]
        self.say.wait(
            "day 0: a referral under C1, where she ticked follow-up apart, reaches the reception centre",
            lambda: received_events(self.desk, [sent["id"]]),
        )
        path = f"/v1/referrals/{sent['id']}/transitions"
        for step in ("acknowledged", "accepted", "in_progress"):
            self.desk.post(path, {"to": step})
        report = people.counter_referral(datetime.now(UTC))
        self.desk.post(path, {"to": "completed", "counter_referral": report})

    def _ask(self) -> None:
        say = self.say
        token = self.officer.token()
        self._go_to(2, "09:00")
        say.check(
            "the token of two days ago, by the business clock, is still good: security goes by the real one",
            self.officer.token() == token
            and self.officer.get(_FOLLOW_UPS)["follow_ups"] is not None,
        )
        window = {
            "window_from": people.moment(self._at(28, "00:00")),
            "window_until": people.moment(self._at(36, "00:00")),
        }
        asked = self.officer.post(_FOLLOW_UPS, {"reference_code": self.code, **window})
        self.follow_up_id = asked["id"]
        say.check(
            "the consulate asks by reference code for day 28 to 35, and learns who carries it out: "
            f"{asked['holder']}",
            (asked["state"], asked["holder"]) == ("requested", "gt.igm.crr"),
        )
        stranger = self.network.system("hn.camr-sps")
        real, wrong = (
            stranger.call("POST", _FOLLOW_UPS, {"reference_code": code, **window})
            for code in (self.code, UNKNOWN_CODE)
        )
        say.refused("hn.camr-sps, whom nobody named, asks too", real, 404, "not_found")
        say.check("byte for byte as for a code that does not exist", real.content == wrong.content)
        say.wait("the request reaches the reception centre", self._held)
        self._step("accepted")
        say.wait("which accepts it; the consulate's copy follows", lambda: self._known("accepted"))

    def _try(self) -> None:
        say = self.say
        self._go_to(30, "10:00")
        early = self._attempt()
        say.check(
            "at ten in the morning the node shows no number: she said five to eight in the evening",
            (early["outcome"], early["forbidden_by"], early["numbers"])
            == ("not_attempted_rule", "hours", []),
        )
        self._go_to(30, "17:30")
        evening = self._attempt()
        say.check(
            f"at half past five it shows {evening['numbers'][0]}, and what to say: "
            f"«{evening['introduce_as']}»",
            evening["numbers"] == ["+502 0000-1204"] and evening["ask_pass_phrase"],
        )
        self._ended(evening, {"outcome": "no_answer"})
        self._go_to(31, "18:10")
        answered = self._attempt()
        wrong = self._outcome(answered, {"outcome": "answered", "pass_phrase": "bueno"})
        say.refused(
            "a voice that does not know the pass phrase is not hers",
            wrong,
            422,
            "pass_phrase_wrong",
        )
        said = {"outcome": "answered", "pass_phrase": people.CALLER_SAYS_FIRST}
        self._ended(answered, said)
        say.tell("She answers, and says it.")

    def _report(self) -> None:
        say = self.say
        self.desk.post(
            f"{_FOLLOW_UPS}/{self.follow_up_id}/report",
            {
                "ended": "completed",
                "situation": "stable",
                "living_situation": "with_own_family",
                "document_received": True,
                "wants": ["vocational_training"],
                "remigration_intention": "no",
                "note": "Vive con su hija.",
            },
        )
        known = say.wait("the consulate gets the result", self._result)
        told = {name: value for name, value in known.items() if value not in (None, [])}
        say.check(
            "completed, situation stable, one need; of her daughter and her plans nothing",
            {**told, "reported_at": ""}
            == {"ended": "completed", "situation": "stable", "open_needs": 1, "reported_at": ""},
        )
        held = self._held()
        say.check(
            "the reception centre keeps three attempts, one of them never made",
            [attempt["outcome"] for attempt in held["attempts"]]
            == ["not_attempted_rule", "no_answer", "answered"],
        )

    def _nobody_else_learns(self) -> None:
        for gateway in self.network.gateways.values():
            found = words_in_database(
                gateway.settings.database_url, [*people.NAMES, *_LEARNED, self.code]
            )
            self.say.check(
                f"whoever reads all of {gateway.name}'s database: the code, and no word of hers",
                found <= {self.code},
            )

    def _go_to(self, day: int, clock: str) -> None:
        self.network.move_to(self._at(day, clock))
        self.say.tell(f"Day {day}, {clock} in Guatemala.")

    def _at(self, day: int, clock: str) -> datetime:
        hour, minute = map(int, clock.split(":"))
        return self._midnight + timedelta(days=day, hours=hour, minutes=minute)

    def _step(self, to: str) -> None:
        self.desk.post(f"{_FOLLOW_UPS}/{self.follow_up_id}/transitions", {"to": to})

    def _attempt(self) -> Any:
        path = f"{_FOLLOW_UPS}/{self.follow_up_id}/attempts"
        return self.desk.post(path, {"modality": "call", "desk": "turno B"})

    def _outcome(self, attempt: Any, body: dict[str, str]) -> Any:
        path = f"{_FOLLOW_UPS}/{self.follow_up_id}/attempts/{attempt['seq']}/outcome"
        return self.desk.call("POST", path, body)

    def _ended(self, attempt: Any, body: dict[str, str]) -> None:
        answer = self._outcome(attempt, body)
        self.say.check(f"recorded: {body['outcome']}", answer.is_success)

    def _held(self) -> Any:
        answer = self.desk.call("GET", f"{_FOLLOW_UPS}/{self.follow_up_id}")
        return answer.json() if answer.is_success else None

    def _known(self, state: str) -> bool:
        known = self.officer.get(f"{_FOLLOW_UPS}/{self.follow_up_id}")
        return bool(known["state"] == state)

    def _result(self) -> Any:
        return self.officer.get(f"{_FOLLOW_UPS}/{self.follow_up_id}")["result"]
