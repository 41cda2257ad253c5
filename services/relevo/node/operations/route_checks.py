"""What the pathway and the directory have to say to a submission, whoever it is about."""

from typing import Final

from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.pathways.schema import Pathway
from relevo.contracts.problem import FieldError, ProblemError
from relevo.contracts.referral import ReferralSubmission
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
            "receiver_lacks_mandate", receiver=receiver, mandates=list(route.receiver_mandates)
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
