"""What Tomasa first says on arrival: her daughter is in danger. One authority learns it, no one else.

The second referral goes to an institution without an open port, which fetches it, while the first one
is still being worked on.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from relevo.contracts.identifiers import reference_code
from relevo.contracts.pathways.loader import pathway

from . import people
from .narrator import Narrator
from .network import Network
from .places import NodePlace
from .readable import readable_words, words_in_database

_TOLD: Final = ("gt.igm", "gt.pgn")
"""Whose nodes hold the facts, sealed."""


class DaughterStory:
    """R2, part of R1, told between the steps of R1.

    Attributes:
        referral_id: The same on both sides.
        code: Its reference code.
    """

    def __init__(self, network: Network, narrator: Narrator) -> None:
        self.network = network
        self.say = narrator
        self.desk = network.system("gt.igm.crr.desk")
        self.authority = network.system("gt.pgn.desk")
        self.referral_id = ""
        self.code = ""

    def refer(self, part_of: str) -> None:
        """Consent, referral, and the authority's yes.

        Raises:
            StoryFailedError: Something did not hold.
        """
        say = self.say
        say.chapter(
            "3. On arrival she says in Mam what she had told nobody: her daughter is in danger"
        )
        consent = self.desk.post("/v1/consents", people.consent_c2(datetime.now(UTC)))
        say.check(
            "as her mother she signs C2 for Yesenia: the facts are for gt.pgn alone",
            consent["given_by"]["capacity"] == "guardian" and len(consent["recipients"]) == 1,
        )
        sent = self.desk.post("/v1/referrals", people.referral_r2(consent["id"], part_of))
        self.referral_id, self.code = sent["id"], sent["reference_code"]
        say.tell(
            f"The reception centre sends R2 ({self.code}) at once, red. R1 is not completed yet."
        )
        say.wait("gt.pgn, which has no open port, fetched it", self._arrived)
        self._nobody_reaches_in()
        self._what_arrived(part_of)
        self._step("acknowledged", "the office on duty saw it", seen_by="turno de noche")
        self._step("accepted", "accepted within the hour")
        say.check(
            "R1 is still in progress: R2 did not wait for it",
            self.desk.get(f"/v1/referrals/{part_of}")["state"] == "in_progress",
        )

    def end(self) -> None:
        """The measure, what comes back, and who learned what.

        Raises:
            StoryFailedError: Something did not hold.
        """
        say = self.say
        self._step("in_progress", "a home visit, with an officer who speaks Mam")
        self._step(
            "completed",
            "a judge granted a measure: she is with her mother",
            counter_referral=people.measure_granted(datetime.now(UTC)),
            note="La maestra lo confirma; el tío ya no se acerca.",
        )
        back = say.wait(
            "the outcome reached the reception centre",
            lambda: self.desk.get(self._path)["counter_referral"],
        )
        say.check(
            f"{back['outcome']}; what comes back is minimised as well: codes and dates, no words",
            back["outcome"] == "protection_measure_granted"
            and set(back) <= {"outcome", "services", "remaining_needs", "ended_at"}
            and not readable_words(str(back).encode(), people.FACTS),
        )
        self.desk.post(f"{self._path}/close")
        say.wait(
            "R2 is closed on both sides",
            lambda: self.authority.get(self._path)["state"] == "closed",
        )

    def nobody_else_learns(self) -> None:
        """Where the facts are, and where they are not.

        Raises:
            StoryFailedError: They are somewhere else.
        """
        say = self.say
        say.tell("And who learned of her daughter?")
        officer = self.network.system("gt.consulado-tapachula")
        real, wrong = (
            officer.call("POST", "/v1/status-queries", {"reference_code": code})
            for code in (self.code, reference_code("GT", 0))
        )
        say.refused("the consulate, not named for R2, asks its code", real, 404, "not_found")
        say.check("and gets what a wrong code gets, byte for byte", real.content == wrong.content)
        shelter = self.network.system("mx.albergue-tapachula")
        unseen = shelter.call("GET", self._path)
        say.refused("the shelter asks for R2", unseen, 404, "not_found")
        secrets = [*people.FACTS, pathway("gt-child-protection-referral").id]
        for gateway in self.network.gateways.values():
            found = words_in_database(gateway.settings.database_url, [*secrets, "gt.pgn"])
            say.check(
                f"no fact, and not the pathway's name, at {gateway.name}", found <= {"gt.pgn"}
            )
        places = self.network.nodes.values()
        others = [place for place in places if place.name not in _TOLD]
        say.check(
            f"no fact in any store of {', '.join(place.name for place in others)}",
            not any(_readable_in(place, people.FACTS) for place in others),
        )
        say.check(
            "and at gt.igm and gt.pgn they are sealed at rest",
            not any(_readable_in(self.network.nodes[name], people.FACTS) for name in _TOLD),
        )
        say.check(
            "no fact in any log",
            not any(
                readable_words(place.log.read_bytes(), people.FACTS)
                for place in self.network.places
            ),
        )
        say.check(
            "nor on the shelter's line",
            not readable_words(self.network.link.tapped(), people.FACTS),
        )

    def _nobody_reaches_in(self) -> None:
        place = self.network.nodes["gt.pgn"]
        home = self.network.gateways["gateway.gt"]
        told = words_in_database(home.settings.database_url, [f":{place.port}"])
        pushed = httpx.post(f"{place.address}/v1/inbox", json={}, trust_env=False)
        self.say.check(
            "its gateway knows no address of it, and its node has no inbox to deliver to",
            not told and pushed.status_code == httpx.codes.NOT_FOUND,
        )

    def _what_arrived(self, part_of: str) -> None:
        received = self.authority.get(self._path)
        person = received["persons"][0]
        self.say.check(
            "the authority reads what it needs, which route it is, and how her mother may be called",
            person["protection_concern"]["summary"]
            and received["pathway"] == "gt-child-protection-referral"
            and received["contact_rules"][0]["pass_phrase"] == people.CALLER_SAYS_FIRST,
        )
        self.say.check(
            "and nothing that C2 does not cover; of R1 it learns nothing",
            {name for name, value in person.items() if value} - {"person_id"}
            == set(people.SHARED_OF_CHILD)
            and received["part_of"] is None
            and self.desk.get(self._path)["part_of"] == part_of,
        )

    @property
    def _path(self) -> str:
        return f"/v1/referrals/{self.referral_id}"

    def _arrived(self) -> bool:
        return self.authority.call("GET", self._path).status_code == httpx.codes.OK

    def _step(self, to: str, words: str, **more: Any) -> None:
        self.authority.post(f"{self._path}/transitions", {"to": to, **more})
        self.say.wait(
            f"gt.pgn says: {words}; the reception centre's copy follows ({to})",
            lambda: self.desk.get(self._path)["state"] == to,
        )


def _readable_in(place: NodePlace, words: Iterable[str]) -> set[str]:
    """Those of the words that anybody who has all databases of a node can read, keys aside."""
    found: set[str] = set()
    for url in (place.settings.database_url, place.auth.database_url):
        found |= words_in_database(url, words)
    return found
