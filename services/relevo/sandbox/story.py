"""The main story up to both its outcomes: Tomasa goes home, and her daughter is with her.

Played through HTTP with real tokens, as the institutions' own systems would; each step is told in
plain words and checked. The demo and the network tests play the same.
"""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from relevo.contracts.identifiers import reference_code

from . import people
from .daughter import DaughterStory
from .narrator import Narrator
from .network import Network
from .readable import readable_words, words_in_database
from .systems import LocalSystem
from .webhook_receiver import WebhookReceiver

UNKNOWN_CODE: Final = reference_code("MX", 0)
"""Well formed, and of no referral."""


class Story:
    """One referral, from consent to closing.

    Attributes:
        referral_id: The same on both sides.
        code: The reference code that Tomasa carries on paper.
    """

    def __init__(self, network: Network, narrator: Narrator) -> None:
        self.network = network
        self.say = narrator
        self.shelter = network.system("mx.albergue-tapachula")
        self.desk = network.system("gt.igm.crr.desk")
        self.referral_id = ""
        self.code = ""
        self.daughter = DaughterStory(network, narrator)
        self._webhook_id = ""
        self._before = len(network.link.tapped())

    def play(self) -> None:
        """All steps in order.

        Raises:
            StoryFailedError: One did not hold.
        """
        with WebhookReceiver() as told:
            self._subscribe(told)
            self._refer_while_the_link_is_down()
            self._link_comes_back()
            self._sealed_on_the_way()
            self._institute_learns(told)
            self.desk.call("DELETE", f"/v1/webhooks/{self._webhook_id}")
        self._institute_answers()
        self.daughter.refer(self.referral_id)
        self._institute_reports()
        self._loop_closes()
        self.daughter.end()
        self._consulate_asks()
        self.daughter.nobody_else_learns()

    def _subscribe(self, told: WebhookReceiver) -> None:
        hook = self.desk.post("/v1/webhooks", {"url": told.url})
        self._webhook_id, told.secret = hook["id"], hook["secret"]

    def _refer_while_the_link_is_down(self) -> None:
        say = self.say
        say.chapter("1. The shelter refers Tomasa while its link is down")
        self.network.link.take_down()
        say.tell("Tapachula: the line to the outside world is cut.")
        now = datetime.now(UTC)
        consent = self.shelter.post("/v1/consents", people.consent_c1(now))
        say.check(
            "the shelter's system recorded consent C1 at its own node", consent["state"] == "active"
        )
        key = str(uuid.uuid4())
        body = people.referral_r1(consent["id"])
        answer = self.shelter.post("/v1/referrals", body, key=key)
        self.referral_id, self.code = answer["id"], answer["reference_code"]
        say.check(
            f"R1 is accepted all the same and gets the code {self.code}; "
            f"left at home: {', '.join(answer['withheld'])}",
            answer["state"] == "submitted" and "health" in answer["withheld"],
        )
        again = self.shelter.post("/v1/referrals", body, key=key)
        say.check("sent again with the same key, it is the same referral", again == answer)
        say.check(
            "it waits in the shelter's outbox",
            self._at_shelter()["delivery"] == "waiting" and not self._received_events(),
        )

    def _link_comes_back(self) -> None:
        self.network.link.bring_up()
        self.say.tell("The line is back.")
        self.say.wait(
            "R1 crossed gateway.mx and gateway.gt and reached the reception centre",
            self._received_events,
        )
        self.say.wait(
            "the shelter knows that it was received, without asking anybody",
            lambda: self._at_shelter()["state"] == "received",
        )
        self.say.wait(
            "and holds the gateway's signed receipt of its delivery",
            lambda: self._at_shelter()["delivery"] == "delivered",
        )
        arrived = self.desk.get("/v1/referrals", role="receiver", limit=200)["referrals"]
        same = [item for item in arrived if item["reference_code"] == self.code]
        self.say.check("it arrived once", len(same) == 1 and len(self._received_events()) == 1)

    def _sealed_on_the_way(self) -> None:
        say = self.say
        received = self.desk.get(f"/v1/referrals/{self.referral_id}")
        person = received["persons"][0]
        say.check(
            "the reception centre reads her name and how she may be called",
            person["identity"]["family_names"] == ["Temaj", "Coronado"]
            and received["contact_rules"][0]["pass_phrase"] == people.CALLER_SAYS_FIRST,
        )
        say.check(
            "and nothing that she did not share",
            {name for name, value in person.items() if value} - {"person_id"} == set(people.SHARED),
        )
        tapped = self.network.link.tapped()[self._before :]
        say.check(
            f"whoever tapped the line ({len(tapped):,} bytes) reads the code, and no word of hers",
            readable_words(tapped, [self.code]) and not readable_words(tapped, people.NAMES),
        )
        for gateway in self.network.gateways.values():
            found = words_in_database(gateway.settings.database_url, [*people.NAMES, "gt.igm.crr"])
            say.check(
                f"whoever reads all of {gateway.name}'s database: whom it was for, and no word of hers",
                found == {"gt.igm.crr"},
            )

    def _institute_learns(self, told: WebhookReceiver) -> None:
        say = self.say
        say.chapter("2. The institute learns of it, answers, and reports")
        call = told.wait_for(self.referral_id, "referral.received")
        say.check(
            "a signed webhook told the reception centre's system; it carries ids only",
            set(call["data"]) <= {"id", "event_seq"}
            and not readable_words(str(call).encode(), people.NAMES),
        )
        events = self.desk.events()
        positions = [event["position"] for event in events]
        whole = self.desk.get("/v1/events", limit=500)["events"]
        say.check(
            "its event feed, read a few at a time, skips nothing and repeats nothing",
            positions == sorted(set(positions)) and events[: len(whole)] == whole[: len(events)],
        )
        other_unit = self.network.system("gt.igm.car.desk")
        hidden = other_unit.call("GET", f"/v1/referrals/{self.referral_id}")
        say.refused("another unit of the institute does not see it", hidden, 404, "not_found")

    def _institute_answers(self) -> None:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        self._step("acknowledged", "a person saw it", seen_by="recepción CRR, turno A")
        self._step("accepted", "accepted")
        self._consulate_sees("accepted")
        self._step(
            "scheduled",
            "expected tomorrow with the bus",
            appointment={"at": people.moment(tomorrow), "place": "Tecún Umán"},
        )
        self._step("in_progress", "she arrived: snack, kit, first aid for the soul")

    def _institute_reports(self) -> None:
        report = people.counter_referral(datetime.now(UTC))
        self._step("completed", "completed", counter_referral=report)
        back = self.say.wait(
            "the counter-referral reached the shelter",
            lambda: self._at_shelter()["counter_referral"],
        )
        needs = {need["service"]: need["already_referred"] for need in back["remaining_needs"]}
        self.say.check(
            f"it names what is still needed: {', '.join(needs)}; for the child it is under way, "
            "and the shelter learns no more than that",
            needs == {"national_id": False, "child_protection": True}
            and not readable_words(str(self._at_shelter()).encode(), people.FACTS),
        )

    def _loop_closes(self) -> None:
        closed = self.shelter.post(f"/v1/referrals/{self.referral_id}/close")
        self.say.check("the shelter closes R1", closed["state"] == "closed")
        self.say.wait(
            "and the reception centre's copy closes too",
            lambda: self._at_desk()["state"] == "closed",
        )
        ours, theirs = (
            [(event["seq"], event["state"], event["actor"]) for event in history]
            for history in (self._history(self.shelter), self._history(self.desk))
        )
        self.say.check(f"both sides hold the same {len(ours)} events", ours == theirs)

    def _consulate_asks(self) -> None:
        say = self.say
        say.chapter("4. The consulate asks by reference code; somebody else does too")
        self._consulate_sees("closed")
        stranger = self.network.system("hn.camr-sps")
        real = stranger.call("POST", "/v1/status-queries", {"reference_code": self.code})
        wrong = stranger.call("POST", "/v1/status-queries", {"reference_code": UNKNOWN_CODE})
        say.refused("hn.camr-sps, whom nobody named, asks", real, 404, "not_found")
        say.check(
            "and gets byte for byte what a code that does not exist gets",
            real.content == wrong.content and _headers(real) == _headers(wrong),
        )

    def _consulate_sees(self, state: str) -> None:
        officer = self.network.system("gt.consulado-tapachula")

        def asked() -> Any:
            answer = officer.post("/v1/status-queries", {"reference_code": self.code})
            return answer if answer["state"] == state else None

        answer = self.say.wait(
            f"the consulate, whom the slice names, asks its own node and reads: {state}", asked
        )
        self.say.check(
            "the state, and nothing else about her",
            set(answer) <= {"reference_code", "state", "triage", "since"},
        )

    def _step(self, to: str, words: str, **more: Any) -> None:
        path = f"/v1/referrals/{self.referral_id}/transitions"
        self.desk.post(path, {"to": to, **more})
        self.say.wait(
            f"the reception centre says: {words}; the shelter's copy follows ({to})",
            lambda: self._at_shelter()["state"] == to,
        )

    def _at_shelter(self) -> Any:
        return self.shelter.get(f"/v1/referrals/{self.referral_id}")

    def _at_desk(self) -> Any:
        return self.desk.get(f"/v1/referrals/{self.referral_id}")

    def _history(self, system: LocalSystem) -> Any:
        return system.get(f"/v1/referrals/{self.referral_id}/history")

    def _received_events(self) -> list[dict[str, Any]]:
        return received_events(self.desk, [self.referral_id])


def received_events(system: LocalSystem, referral_ids: list[str]) -> list[dict[str, Any]]:
    """Events that tell a system of the arrival of these referrals."""
    return [
        event
        for event in system.events()
        if event["type"].endswith("referral.received") and event["subject"] in referral_ids
    ]


def arrivals(system: LocalSystem, referral_ids: list[str]) -> Counter[str]:
    """How often the feed told of each."""
    return Counter(event["subject"] for event in received_events(system, referral_ids))


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}
