"""What the pathway and the directory have to say to a submission, whoever it is about."""

from typing import Final

from relevo.contracts.institution import InstitutionProfile
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.referral import CounterReferral, ReferralSubmission
from relevo.contracts.vocabularies.loader import in_code_order

from .directory import Peer

MAX_GRANTS: Final = 12


def check_pathway(submission: ReferralSubmission, route: Pathway) -> None:
    """What the pathway allows, whoever it is about.

    Raises:
        ProblemError: `share_not_in_pathway`, `consent_does_not_cover_purpose`, `basis_not_allowed`,
            `consent_missing` or `invalid_input` for a service outside it.
    """
    unasked = set(submission.share) - route.wanted
    if unasked:
        raise ProblemError(
            "share_not_in_pathway",
            pathway=route.id,
            categories=in_code_order("data_category", unasked),
        )
    if submission.purpose not in route.purposes:
        raise ProblemError("consent_does_not_cover_purpose", purpose=submission.purpose)
    if len(submission.consent_ids) > MAX_GRANTS:
        detail = f"an envelope holds the grants of at most {MAX_GRANTS} consents"
        raise ProblemError(
            "invalid_input", errors=[FieldError(pointer="/consent_ids", detail=detail)]
        )
    errors = [
        FieldError(pointer=f"/needs/{index}/service", detail=f"not a service of {route.id}")
        for index, need in enumerate(submission.needs)
        if need.service not in route.services
    ]
    if errors:
        raise ProblemError("invalid_input", errors=errors)
    if submission.basis is not None and submission.basis.basis not in route.lawful_bases:
        raise ProblemError(
            "basis_not_allowed", basis=submission.basis.basis, pathway=submission.pathway
        )
    if not submission.consent_ids and submission.basis is None:
        raise ProblemError("consent_missing")


def check_starter(
    route: Pathway, profile: InstitutionProfile, sender: str, *, in_the_open: bool = False
) -> None:
    """Whether the pathway says that this party may start it.

    Args:
        route: The pathway.
        profile: What the directory says of the sender's institution.
        sender: The institution or one of its units.
        in_the_open: Gateways will read the answer, so of a sealed route it says no more than they know.

    Raises:
        ProblemError: `sender_may_not_start`.
    """
    starts = route.starts
    if starts.allow(profile.mandates_of(sender) or (), profile.type):
        return
    silent = in_the_open and route.sensitivity == "sealed"
    raise ProblemError(
        "sender_may_not_start",
        sender=sender,
        pathway=route.public_name if in_the_open else route.id,
        mandates=[] if silent else list(starts.mandates),
        types=[] if silent else list(starts.types),
    )


def check_outcome(pathway_id: str, report: CounterReferral) -> None:
    """Whether what is reported is an outcome of the pathway; any, where the route is not known here.

    Raises:
        ProblemError: `invalid_input`, with the outcomes that it has.
    """
    route = pathways().get(pathway_id)
    if route is None or report.outcome in route.outcomes:
        return
    detail = f"not an outcome of {route.id}: {', '.join(route.outcomes)}"
    raise ProblemError(
        "invalid_input", errors=[FieldError(pointer="/counter_referral/outcome", detail=detail)]
    )


def check_receiver(peer: Peer, receiver: str, route: Pathway) -> None:
    """Whether the directory says that this party can take it.

    Raises:
        ProblemError: `receiver_unknown`, `receiver_not_active`, `receiver_lacks_mandate` or
            `message_type_not_accepted`.
    """
    mandates = peer.profile.mandates_of(receiver)
    if mandates is None:
        raise ProblemError("receiver_unknown", receiver=receiver)
    if peer.state != "active":
        raise ProblemError("receiver_not_active", receiver=receiver, state=peer.state)
    if not mandates & set(route.receiver_mandates):
        raise ProblemError(
            "receiver_lacks_mandate",
            receiver=receiver,
            mandates=list(route.receiver_mandates),
            offered=[],
        )
    if REFERRAL_SUBMITTED.id not in peer.profile.message_types:
        raise ProblemError(
            "message_type_not_accepted", receiver=receiver, message_type=REFERRAL_SUBMITTED.id
        )


def check_required(route: Pathway, leaving: list[dict[str, object]]) -> None:
    missing = [
        category for category in route.required if any(category not in person for person in leaving)
    ]
    if missing:
        raise ProblemError("pathway_field_required", pathway=route.id, fields=missing)
