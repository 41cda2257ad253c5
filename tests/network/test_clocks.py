"""Deadlines among real processes: the business clock moves, and both institutions see the same."""

from collections import Counter
from datetime import UTC, datetime

from relevo.sandbox import people
from relevo.sandbox.narrator import Narrator
from relevo.sandbox.network import Network
from relevo.sandbox.story import arrivals
from relevo.sandbox.systems import LocalSystem

_SOON = 60


def clocks_of(system: LocalSystem, referral: str) -> Counter[str]:
    """How often this system was told that a clock of this referral ran out."""
    kinds = [
        event["type"].rpartition(".")[2]
        for event in system.events()
        if event["subject"] == referral
    ]
    return Counter(kind for kind in kinds if kind in {"overdue", "escalated"})


def test_a_red_referral_on_a_sealed_route_is_late_on_both_sides_after_its_hour(
    network: Network,
) -> None:
    shelter, desk = network.system("mx.albergue-tapachula"), network.system("gt.igm.crr.desk")
    authority = network.system("gt.pgn.desk")
    c1 = shelter.post("/v1/consents", people.consent_c1(datetime.now(UTC)))
    r1 = shelter.post("/v1/referrals", people.referral_r1(c1["id"]))["id"]
    Narrator().wait("R1 arrives", lambda: arrivals(desk, [r1]), seconds=_SOON)
    c2 = desk.post("/v1/consents", people.consent_c2(datetime.now(UTC)))
    r2 = desk.post("/v1/referrals", people.referral_r2(c2["id"], r1))["id"]
    Narrator().wait("R2 arrives", lambda: arrivals(authority, [r2]), seconds=_SOON)
    sides = (desk, authority)
    here, there = (side.get(f"/v1/referrals/{r2}") for side in sides)
    assert here["due"] == there["due"]
    assert here["due"]["clock"] == "acknowledge"
    assert not here["overdue"]
    assert not there["overdue"]
    network.move(hours=1.1)
    try:
        for side in sides:
            late = side.get(f"/v1/referrals/{r2}")
            assert (late["overdue"], late["rung"]) == (True, "coordination_table")
            found = side.get("/v1/referrals?overdue=true&limit=200")["referrals"]
            assert r2 in {one["id"] for one in found}
            Narrator().wait(
                "each rung is told, once",
                lambda side=side: clocks_of(side, r2) == {"overdue": 1, "escalated": 2},
                seconds=_SOON,
            )
        authority.post(f"/v1/referrals/{r2}/transitions", {"to": "acknowledged"})
        Narrator().wait(
            "the sender sees that somebody saw it",
            lambda: desk.get(f"/v1/referrals/{r2}")["state"] == "acknowledged",
            seconds=_SOON,
        )
        for side in sides:
            seen = side.get(f"/v1/referrals/{r2}")
            assert (seen["overdue"], seen["due"]["clock"]) == (False, "decide")
    finally:
        network.set_clock_right()
