"""Does this consent cover that message? Pure answers, the same at every hop.

Each check raises the documented problem; silence is yes.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from .consent import AnyOf, Consent, Denial, Recipient
from .grant_slice import GrantSlice
from .identifiers import country_of, institution_of
from .implicated import is_party_implicated
from .institution import InstitutionProfile
from .problem import ProblemError
from .vocabularies.loader import in_code_order


def check_consent(
    consent: Consent,
    *,
    receiver: str,
    purpose: str,
    categories: Sequence[str],
    now: datetime,
    profile: InstitutionProfile | None = None,
) -> Recipient:
    """The recipient entry that lets this receiver have these categories for this purpose now.

    Args:
        consent: What she allowed.
        receiver: Whom it is for.
        purpose: What for.
        categories: What shall leave.
        now: Business time.
        profile: The receiver's institution; without it no kind of recipient resolves to it.

    Raises:
        ProblemError: `consent_not_active`, `consent_does_not_cover_date`, `receiver_denied_by_person`,
            `consent_does_not_cover_receiver`, `consent_does_not_cover_purpose` or
            `consent_does_not_cover_category`.
    """
    if consent.state != "active":
        raise ProblemError("consent_not_active", consent_state=consent.state)
    if not consent.valid_from <= now < consent.valid_until:
        raise ProblemError(
            "consent_does_not_cover_date",
            valid_from=consent.valid_from.isoformat(),
            valid_until=consent.valid_until.isoformat(),
        )
    if any(_denies(denial, receiver) for denial in consent.denials):
        raise ProblemError("receiver_denied_by_person", receiver=receiver)
    entries = _entries_for(consent, receiver, profile)
    if not entries:
        raise ProblemError("consent_does_not_cover_receiver", receiver=receiver)
    for_purpose = [
        entry
        for entry in entries
        if purpose in consent.purposes and purpose in (entry.purposes or consent.purposes)
    ]
    if not for_purpose:
        raise ProblemError("consent_does_not_cover_purpose", purpose=purpose)
    for entry in for_purpose:
        if set(categories) <= allowed_categories(consent, entry):
            return entry
    uncovered = set(categories) - allowed_categories(consent, for_purpose[0])
    raise ProblemError(
        "consent_does_not_cover_category", categories=in_code_order("data_category", uncovered)
    )


def _entries_for(
    consent: Consent, receiver: str, profile: InstitutionProfile | None = None
) -> list[Recipient]:
    """Entries that let this party have a file.

    What she said of the unit is the narrower word and outranks what she said of its institution,
    even when it is that the unit gets no file and may only ask for the status. What she said of a kind
    of institution counts last.
    """
    own = [entry for entry in consent.recipients if entry.party == receiver]
    of_institution = [
        entry for entry in consent.recipients if entry.party == institution_of(receiver)
    ]
    of_kind = [
        entry
        for entry in consent.recipients
        if entry.any_of is not None and _is_of(entry.any_of, receiver, profile)
    ]
    return [entry for entry in own or of_institution or of_kind if not entry.only]


def _is_of(kind: AnyOf, receiver: str, profile: InstitutionProfile | None) -> bool:
    """Whether a receiver is of this kind. A consulate is of none: it is named or left out."""
    if profile is None or is_consulate(profile, receiver):
        return False
    return (
        kind.country == country_of(receiver)
        and kind.type in {None, profile.type}
        and (kind.mandate is None or kind.mandate in (profile.mandates_of(receiver) or ()))
    )


def is_consulate(profile: InstitutionProfile, party: str) -> bool:
    """Whether a party does consular work: a consulate, or a unit of a ministry that does."""
    mandates = profile.mandates_of(party) or frozenset()
    return profile.type == "consulate" or "consular_protection" in mandates


def check_requested(receiver: str, *, consents: Sequence[Consent]) -> None:
    """A consulate is told of somebody at that person's own request, and of nobody else in the file.

    Raises:
        ProblemError: `consulate_not_requested`.
    """
    asked = [
        any(
            entry.party in {receiver, institution_of(receiver)} and entry.requested_by_person
            for entry in consent.recipients
        )
        for consent in consents
    ]
    if not asked or not all(asked):
        raise ProblemError("consulate_not_requested", receiver=receiver)


def allowed_categories(consent: Consent, recipient: Recipient) -> set[str]:
    """What this recipient may have: the consent's categories, narrowed by the recipient's own."""
    allowed = set(consent.categories)
    return allowed if recipient.categories is None else allowed & set(recipient.categories)


def _denies(denial: Denial, party: str) -> bool:
    if denial.party is not None and denial.party in {party, institution_of(party)}:
        return True
    return denial.country is not None and denial.country == country_of(party)


def named_for(
    consent: Consent,
    use: str,
    *,
    excluded_countries: set[str],
    consulates: Collection[str] = (),
) -> list[str]:
    """Parties that the person named for `status` or `follow_up`, without those she denied.

    Follow-up is opted into apart: without that purpose nobody is named for it. A party of a country
    of nationality stands only with its warning, when that country is excluded; a consulate only when
    she asked for it herself; a party that is implicated never.

    Args:
        consent: What she allowed.
        use: `status` or `follow_up`.
        excluded_countries: Countries that must not learn of her.
        consulates: Those of its recipients that are consulates.
    """
    if use == "follow_up" and "follow_up" not in consent.purposes:
        return []
    return [
        entry.party
        for entry in consent.recipients
        if entry.party is not None
        and use in entry.only
        and not any(_denies(denial, entry.party) for denial in consent.denials)
        and (country_of(entry.party) not in excluded_countries or entry.origin_warning_given_at)
        and (entry.party not in consulates or entry.requested_by_person)
        and not is_party_implicated(consent.implicated, entry.party)
    ]


def check_country_of_origin(
    receiver: str, *, purpose: str, excluded_countries: set[str], consents: Sequence[Consent]
) -> None:
    """Where there is a protection need, no party of a country of nationality learns of it.

    Every person of the file lifts this for herself: each consent names the party as a receiver, with
    the time of the warning, and for that purpose only. One adult's word never opens the other's file.

    Raises:
        ProblemError: `country_of_origin_excluded`.
    """
    if country_of(receiver) not in excluded_countries:
        return
    warned = [
        any(
            entry.party == receiver
            and not entry.only
            and entry.origin_warning_given_at is not None
            and purpose in (entry.purposes or consent.purposes)
            for entry in consent.recipients
        )
        for consent in consents
    ]
    if not warned or not all(warned):
        raise ProblemError("country_of_origin_excluded", receiver=receiver)


def check_relays(
    gateways: Sequence[str], *, sender: str, receiver: str, excluded_countries: set[str]
) -> None:
    """No gateway of a country of nationality carries it either, though both ends are elsewhere.

    Args:
        gateways: Those that it would pass.
        sender: From whom.
        receiver: To whom; one of an excluded country was named by her with the warning.
        excluded_countries: Countries that must not learn of her.

    Raises:
        ProblemError: `country_of_origin_excluded`, naming the gateway.
    """
    ends = {country_of(sender), country_of(receiver)}
    for gateway in gateways:
        if country_of(gateway) in excluded_countries - ends:
            raise ProblemError("country_of_origin_excluded", receiver=gateway)


def check_slices(
    slices: Sequence[GrantSlice],
    *,
    sender: str,
    receiver: str,
    purpose: str | None,
    categories: Sequence[str],
    now: int,
) -> None:
    """Do these slices cover what the envelope says it holds? Asked again at every hop.

    Args:
        now: Business time in seconds since 1970.

    Raises:
        ProblemError: `consent_missing`, `grant_invalid` or `grant_not_live`.
    """
    if not slices:
        raise ProblemError("consent_missing")
    covered: set[str] = set()
    for grant in slices:
        if (grant.sender, grant.receiver) != (sender, receiver):
            raise ProblemError("grant_invalid", fault="a grant names another sender or receiver")
        if purpose not in grant.purposes:
            raise ProblemError("grant_invalid", fault="a grant does not cover the purpose")
        if now >= grant.exp or now < grant.nbf:
            raise ProblemError(
                "grant_not_live", grant_state="expired" if now >= grant.exp else "not_yet_valid"
            )
        covered.update(grant.categories)
    if set(categories) - covered:
        raise ProblemError(
            "grant_invalid", fault="the grants do not cover every category of the content"
        )
