from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relevo.contracts.consent import Consent, Denial, Recipient
from relevo.contracts.coverage import (
    allowed_categories,
    check_consent,
    check_country_of_origin,
    check_slices,
    named_for,
)
from relevo.contracts.identifiers import country_of, institution_of
from relevo.contracts.lifecycles.consent import STATES
from relevo.contracts.problem import ProblemError
from tests.support.records import (
    NOW,
    PURPOSES,
    a_consent,
    a_slice,
    categories,
    consents,
    denials,
    parties,
)


def refused(
    consent: Consent,
    *,
    receiver: str = "gt.igm.crr",
    purpose: str = "service_delivery",
    wanted: list[str] | None = None,
    now: datetime = NOW,
) -> str | None:
    try:
        check_consent(
            consent,
            receiver=receiver,
            purpose=purpose,
            categories=["identity"] if wanted is None else wanted,
            now=now,
        )
    except ProblemError as refusal:
        return refusal.name
    return None


def test_what_she_allowed_goes_through() -> None:
    assert refused(a_consent()) is None


@pytest.mark.parametrize("state", [state for state in STATES if state != "active"])
def test_only_an_active_consent_covers_anything(state: str) -> None:
    assert refused(a_consent(state=state)) == "consent_not_active"


@pytest.mark.parametrize(
    ("now", "problem"),
    [
        (NOW - timedelta(seconds=1), "consent_does_not_cover_date"),
        (NOW, None),
        (NOW + timedelta(days=180) - timedelta(seconds=1), None),
        (NOW + timedelta(days=180), "consent_does_not_cover_date"),
    ],
)
def test_a_consent_covers_its_days_and_no_more(now: datetime, problem: str | None) -> None:
    assert refused(a_consent(), now=now) == problem


def test_each_thing_she_did_not_allow_has_its_own_problem() -> None:
    assert refused(a_consent(), receiver="gt.renap") == "consent_does_not_cover_receiver"
    assert refused(a_consent(), purpose="statistics") == "consent_does_not_cover_purpose"
    assert refused(a_consent(), wanted=["identity", "health"]) == "consent_does_not_cover_category"
    denied = a_consent(denials=[Denial(party="gt.igm.crr")])
    assert refused(denied) == "receiver_denied_by_person"
    with pytest.raises(ProblemError) as refusal:
        check_consent(
            denied, receiver="gt.igm.crr", purpose="service_delivery", categories=[], now=NOW
        )
    assert refusal.value.problem_type.status == 403


def test_the_missing_categories_are_named_in_code_order_and_as_words() -> None:
    with pytest.raises(ProblemError) as refusal:
        check_consent(
            a_consent(),
            receiver="gt.igm.crr",
            purpose="service_delivery",
            categories=["health", "family", "identity"],
            now=NOW,
        )
    assert refusal.value.members["categories"] == ["family", "health"]
    assert "Not covered: family, health." in refusal.value.problem("en").detail


@given(consents, parties, st.sampled_from(PURPOSES[:3]), categories, st.data())
def test_taking_something_away_never_allows_more(
    consent: Consent, receiver: str, purpose: str, wanted: list[str], data: st.DataObject
) -> None:
    less = data.draw(narrower(consent))
    if refused(consent, receiver=receiver, purpose=purpose, wanted=wanted) is not None:
        assert refused(less, receiver=receiver, purpose=purpose, wanted=wanted) is not None


@st.composite
def narrower(draw: st.DrawFn, consent: Consent) -> Consent:
    """The consent without one category, purpose or receiver, or with one denial more."""
    kept = [list(consent.categories), list(consent.purposes)]
    change = draw(st.sampled_from(["category", "purpose", "receiver", "denial", "entry"]))
    values: dict[str, object] = {}
    if change == "category" and len(kept[0]) > 1:
        values["categories"] = [c for c in kept[0] if c != draw(st.sampled_from(kept[0]))]
    elif change == "purpose" and len(kept[1]) > 1:
        values["purposes"] = [p for p in kept[1] if p != draw(st.sampled_from(kept[1]))]
    elif change == "receiver":
        gone = draw(st.sampled_from(consent.recipients)).party
        # Without the unit's own entry the institution's would speak for it, so both go.
        left = [e for e in consent.recipients if institution_of(e.party) != institution_of(gone)]
        values["recipients"] = left or [Recipient(party="us.red-interpretes", only=["status"])]
    elif change == "denial":
        values["denials"] = [*consent.denials, draw(denials)]
    elif change == "entry":
        place = draw(st.integers(0, len(consent.recipients) - 1))
        entry = consent.recipients[place]
        allowed = sorted(allowed_categories(consent, entry))
        fewer = draw(st.lists(st.sampled_from(allowed), unique=True)) if allowed else []
        changed = entry.model_copy(update={"categories": fewer})
        values["recipients"] = [
            changed if position == place else other
            for position, other in enumerate(consent.recipients)
        ]
    return consent.model_copy(update=values)


@given(consents, parties, st.sampled_from(PURPOSES[:3]), categories)
def test_nothing_is_covered_that_the_consent_as_a_whole_does_not_allow(
    consent: Consent, receiver: str, purpose: str, wanted: list[str]
) -> None:
    if refused(consent, receiver=receiver, purpose=purpose, wanted=wanted) is not None:
        return
    assert purpose in consent.purposes
    assert set(wanted) <= set(consent.categories)
    named = {entry.party for entry in consent.recipients if not entry.only}
    assert named & {receiver, institution_of(receiver)}


@given(consents, parties)
def test_a_denial_wins_over_everything(consent: Consent, receiver: str) -> None:
    for denial in (
        Denial(party=receiver),
        Denial(party=institution_of(receiver)),
        Denial(country=country_of(receiver)),
    ):
        denying = consent.model_copy(update={"denials": [*consent.denials, denial]})
        assert refused(denying, receiver=receiver, wanted=[]) == "receiver_denied_by_person"
        for use in ("status", "follow_up"):
            assert receiver not in named_for(denying, use, excluded_countries=set())


def test_denying_one_unit_leaves_the_others() -> None:
    consent = a_consent(
        recipients=[Recipient(party="gt.igm")], denials=[Denial(party="gt.igm.control")]
    )
    assert refused(consent) is None
    assert refused(consent, receiver="gt.igm.control") == "receiver_denied_by_person"


def test_a_denial_in_her_words_stops_nobody_on_the_network() -> None:
    assert refused(a_consent(denials=[Denial(described="la familia del padre")])) is None


@pytest.mark.parametrize("order", [1, -1])
def test_what_she_said_of_the_unit_outranks_what_she_said_of_its_institution(order: int) -> None:
    entries = [
        Recipient(party="gt.igm"),
        Recipient(party="gt.igm.crr", categories=["identity"]),
    ][::order]
    consent = a_consent(recipients=entries)
    assert refused(consent, wanted=["identity", "contact"]) == "consent_does_not_cover_category"
    assert refused(consent, receiver="gt.igm.car", wanted=["identity", "contact"]) is None


def test_a_unit_named_for_the_status_alone_gets_no_file_through_its_institution() -> None:
    consent = a_consent(
        recipients=[Recipient(party="gt.igm"), Recipient(party="gt.igm.crr", only=["status"])]
    )
    assert refused(consent) == "consent_does_not_cover_receiver"
    assert refused(consent, receiver="gt.igm.car") is None


@given(st.permutations(["health", "contact"]))
def test_a_party_may_stand_twice_for_two_purposes_in_any_order(order: list[str]) -> None:
    """What she allowed for one purpose is not lent to the other."""
    purpose_of = {"health": "service_delivery", "contact": "follow_up"}
    consent = a_consent(
        purposes=["service_delivery", "follow_up"],
        categories=["contact", "health"],
        recipients=[
            Recipient(party="gt.igm.crr", purposes=[purpose_of[one]], categories=[one])
            for one in order
        ],
    )
    for one, other in (("health", "contact"), ("contact", "health")):
        assert refused(consent, purpose=purpose_of[one], wanted=[one]) is None
        assert (
            refused(consent, purpose=purpose_of[one], wanted=[other])
            == "consent_does_not_cover_category"
        )


@given(consents, st.sampled_from(["status", "follow_up"]), st.sets(st.sampled_from(["GT", "HN"])))
def test_nobody_asks_who_was_not_named_for_asking(
    consent: Consent, use: str, excluded: set[str]
) -> None:
    named = named_for(consent, use, excluded_countries=excluded)
    for party in named:
        entries = [e for e in consent.recipients if e.party == party and use in e.only]
        assert entries
        assert country_of(party) not in excluded or any(
            entry.origin_warning_given_at for entry in entries
        )


WARNED = Recipient(party="gt.igm.crr", origin_warning_given_at=NOW)
NOT_WARNED = Recipient(party="gt.igm.crr")


@pytest.mark.parametrize(
    ("of_each_person", "passes"),
    [
        ([], False),
        ([[NOT_WARNED]], False),
        ([[WARNED]], True),
        ([[NOT_WARNED, WARNED]], True),
        ([[WARNED], [NOT_WARNED]], False),
        ([[WARNED], [WARNED]], True),
        ([[Recipient(party="gt.igm", origin_warning_given_at=NOW)]], False),
        ([[WARNED.model_copy(update={"only": ["status"]})]], False),
    ],
)
def test_the_country_of_origin_learns_nothing_unless_each_person_named_the_party_after_a_warning(
    of_each_person: list[list[Recipient]], *, passes: bool
) -> None:
    records = [a_consent(recipients=entries) for entries in of_each_person]
    if passes:
        check_country_of_origin(
            "gt.igm.crr",
            purpose="service_delivery",
            excluded_countries={"GT"},
            consents=records,
        )
    else:
        with pytest.raises(ProblemError) as refusal:
            check_country_of_origin(
                "gt.igm.crr",
                purpose="service_delivery",
                excluded_countries={"GT"},
                consents=records,
            )
        assert refusal.value.name == "country_of_origin_excluded"
    check_country_of_origin(
        "gt.igm.crr",
        purpose="service_delivery",
        excluded_countries={"HN"},
        consents=records,
    )


def slice_refused(
    *slices: object, wanted: list[str] | None = None, now: int = 1_775_000_000
) -> str | None:
    try:
        check_slices(
            slices,  # type: ignore[arg-type]
            sender="mx.albergue-tapachula",
            receiver="gt.igm.crr",
            purpose="service_delivery",
            categories=["identity"] if wanted is None else wanted,
            now=now,
        )
    except ProblemError as refusal:
        return refusal.name
    return None


def test_content_without_a_grant_is_refused_even_when_it_holds_nothing() -> None:
    assert slice_refused(wanted=[]) == "consent_missing"


def test_a_grant_holds_between_its_two_parties_for_its_purposes_and_time() -> None:
    assert slice_refused(a_slice()) is None
    assert slice_refused(a_slice(sender="mx.pcr")) == "grant_invalid"
    assert slice_refused(a_slice(receiver="gt.igm")) == "grant_invalid"
    assert slice_refused(a_slice(purposes=["statistics"])) == "grant_invalid"
    assert slice_refused(a_slice(), wanted=["identity", "health"]) == "grant_invalid"
    assert slice_refused(a_slice(), now=a_slice().exp) == "grant_not_live"
    assert slice_refused(a_slice(), now=a_slice().nbf - 1) == "grant_not_live"
    assert slice_refused(a_slice(), now=a_slice().nbf) is None


def test_one_bad_grant_among_good_ones_refuses_the_message() -> None:
    assert slice_refused(a_slice(), a_slice(receiver="gt.renap")) == "grant_invalid"


@given(st.lists(categories, min_size=1, max_size=4), categories)
def test_the_grants_of_a_family_cover_what_they_name_together(
    of_each: list[list[str]], wanted: list[str]
) -> None:
    together = {category for one in of_each for category in one}
    slices = [a_slice(categories=one) for one in of_each]
    answer = slice_refused(*slices, wanted=wanted)
    assert answer == (None if set(wanted) <= together else "grant_invalid")
