"""Everything that somebody can do in a scenario. The guide's table of verbs is compared with this one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import BaseModel

from relevo.contracts.cancellation import CancelRequest
from relevo.contracts.consent import ConsentInput, Withdrawal
from relevo.contracts.families import SplitConfirmation, SplitRequest
from relevo.contracts.follow_up import (
    AttemptEnding,
    AttemptOpening,
    FollowUpAsk,
    FollowUpReport,
    FollowUpStep,
)
from relevo.contracts.handover import HandoverInput
from relevo.contracts.information import InformationSupply
from relevo.contracts.referral import ReferralSubmission, Transition
from relevo.contracts.returnee import ReturneeInput, ReturneeTransition
from relevo.contracts.review import ReviewInput
from relevo.contracts.withdrawal import WithdrawalAnswer, WithdrawalAsk

from . import bodies, papers
from .bodies import Frame

Kind = Literal[
    "consent", "referral", "follow_up", "attempt", "returnee", "manifest", "split", "answer"
]
COLLECTIONS: Final[Mapping[str, str]] = {
    "consent": "/v1/consents",
    "referral": "/v1/referrals",
    "follow_up": "/v1/follow-ups",
    "returnee": "/v1/returnees",
    "manifest": "/v1/manifests",
    "split": "/v1/splits",
}


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
        says: What it does, for the guide.
        path: What is called; `{of}` is the path of what it is done to. Empty: no call is made.
        of: What kind of thing it is done to.
        makes: What kind of thing it saves.
        fixed: What its body says in any case.
        fill: Makes the body from what the step says.
        model: What the body must fit.
    """

    says: str
    path: str = ""
    method: str = "POST"
    of: Kind | None = None
    makes: Kind | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    fill: Callable[[Frame, dict[str, Any]], dict[str, Any]] | None = None
    model: type[BaseModel] | None = None


def _step(to: str, says: str) -> Verb:
    return Verb(
        says,
        "{of}/transitions",
        of="referral",
        fixed={"to": to},
        fill=bodies.transition,
        model=Transition,
    )


VERBS: Final[Mapping[str, Verb]] = {
    "consent": Verb(
        'Records `[consents.X]` at the node of `by`; `of = "X"`, and it is saved as X.',
        "/v1/consents",
        makes="consent",
        fill=bodies.consent,
        model=ConsentInput,
    ),
    "withdraw": Verb(
        "The person withdraws the consent of `of`; every receiver is told.",
        "{of}/withdraw",
        of="consent",
        fill=bodies.withdrawal,
        model=Withdrawal,
    ),
    "submit": Verb(
        "Refers: receiver, pathway, triage, needs, persons, share, consents or basis.",
        "/v1/referrals",
        makes="referral",
        fill=bodies.submission,
        model=ReferralSubmission,
    ),
    "acknowledge": _step("acknowledged", "A person has seen it: `seen_by`."),
    "accept": _step("accepted", "The receiver takes it."),
    "waitlist": _step("waitlisted", "The receiver would, and has no room yet."),
    "schedule": _step("scheduled", "When and where she is expected: `expected_at`, `place`."),
    "start": _step("in_progress", "The service begins, or goes on after a pause."),
    "hold": _step("on_hold", "The service pauses: `reason`."),
    "complete": _step(
        "completed",
        "The counter-referral: `outcome`, `services`, `remaining_needs`.",
    ),
    "fail": _step("failed", "The service did not come about: `reason`, perhaps an `outcome`."),
    "reject": _step("rejected", "The receiver does not take it: `reason`."),
    "redirect": _step("redirected", "Somebody else should: `redirect_to`, `reason`."),
    "request_information": _step("info_requested", "What is missing: `questions`."),
    "confirm_cancel": _step("cancelled", "The receiver agrees that it stops: `reason`."),
    "mark_error": _step("entered_in_error", "It never should have been."),
    "transition": Verb(
        "Any step by its name: `to`.",
        "{of}/transitions",
        of="referral",
        fill=bodies.transition,
        model=Transition,
    ),
    "supply": Verb(
        "The sender answers the questions: persons with the sections, share, consents.",
        "{of}/information",
        of="referral",
        fill=bodies.supply,
        model=InformationSupply,
    ),
    "cancel": Verb(
        "The sender wishes that it stops: `reason`.",
        "{of}/cancel",
        of="referral",
        model=CancelRequest,
    ),
    "split": Verb(
        "Parts those who go from those who stay: `persons` (places from 1), `reason`, `recorded_by`, "
        "`referral` of those who go, as in `submit`. `find` it by `${S1.goes}`.",
        "{of}/split",
        of="referral",
        makes="split",
        fill=bodies.split,
        model=SplitRequest,
    ),
    "confirm_split": Verb(
        "A second person stands behind the split of `of`: `confirmed_by`.",
        "{of}/confirm",
        of="split",
        model=SplitConfirmation,
    ),
    "close": Verb("The sender has read the outcome and closes.", "{of}/close", of="referral"),
    "review": Verb(
        "Says in one sentence what was done in a referral that runs for years: `done`.",
        "{of}/reviews",
        of="referral",
        model=ReviewInput,
    ),
    "seal": Verb(
        "Writes a sealed record beside the referral of `of`: `kind`, and what that kind has.",
        "{of}/sealed-records",
        of="referral",
    ),
    "answer_withdrawal": Verb(
        "A holder says what it did with what it got: `answer`, `law`.",
        "{of}/withdrawal-answer",
        of="referral",
        model=WithdrawalAnswer,
    ),
    "ask_to_withdraw": Verb(
        "Somebody holds the paper of `of` and asks to withdraw: `pass_phrase`; any institution passes it on.",
        "/v1/withdrawal-requests",
        of="referral",
        fill=bodies.by_code,
        model=WithdrawalAsk,
    ),
    "status": Verb(
        "Asks by the reference code of `of`, as somebody who is no party to it.",
        "/v1/status-queries",
        of="referral",
        fill=bodies.by_code,
    ),
    "read": Verb("Reads what `of` names, as `by` sees it.", "{of}", method="GET"),
    "find": Verb(
        "Waits for a referral at `by` that no step made and that has the fields of `with`, and saves it: "
        "what a redirection or a split leads to.",
        makes="referral",
    ),
    "hand_over": Verb(
        "A guest or a unit that enforces says that it brought people: `received_by`, `brought_at`, …",
        "/v1/handovers",
        fill=None,
        model=HandoverInput,
    ),
    "returnee": Verb(
        "Enters a returnee; `person` copies a `[persons.X]`.",
        "/v1/returnees",
        makes="returnee",
        fill=bodies.returnee,
        model=ReturneeInput,
    ),
    "returnee_step": Verb(
        "A step of a returnee's record: `to`, `reason`.",
        "{of}/transitions",
        of="returnee",
        model=ReturneeTransition,
    ),
    "manifest": Verb(
        "Posts a list: `reference`, `csv`, and any other parameter of the route; waits until it is read.",
        "/v1/manifests",
        makes="manifest",
    ),
    "follow_up": Verb(
        "Asks for follow-up on the reference code of `of`: `window_from`, `window_until`.",
        "/v1/follow-ups",
        of="referral",
        makes="follow_up",
        fill=bodies.by_code,
        model=FollowUpAsk,
    ),
    "follow_up_step": Verb(
        "A step of whoever carries it out: `to`.",
        "{of}/transitions",
        of="follow_up",
        model=FollowUpStep,
    ),
    "attempt": Verb(
        "Is about to reach her: `modality`. What a rule forbids is answered, not refused.",
        "{of}/attempts",
        of="follow_up",
        makes="attempt",
        fixed={"modality": "call"},
        model=AttemptOpening,
    ),
    "attempt_outcome": Verb(
        "What came of the attempt of `of`: `outcome`, `pass_phrase`.",
        "{of}/outcome",
        of="attempt",
        model=AttemptEnding,
    ),
    "report": Verb(
        "What was learned: `ended`, `situation`, …; the asker gets what consent covers.",
        "{of}/report",
        of="follow_up",
        model=FollowUpReport,
    ),
    "cancel_follow_up": Verb("The asker no longer wishes it.", "{of}/cancel", of="follow_up"),
    "wait_for": Verb("Waits until `by` reads of `of` what `with` says."),
    "expect_overdue": Verb(
        "Waits until a deadline of `of` is missed for `by`; `with` may name `due.clock` and `rung`."
    ),
    "link_down": Verb("The line of `by` is cut; it needs `weak_link`."),
    "link_up": Verb("It is mended."),
    "stop": Verb("The node of `by` stops."),
    "restart": Verb("It runs again."),
    "change_hands": Verb(
        "Whoever works with the system of `by` leaves, and somebody else takes over with a client of her "
        "own: the old key opens nothing from now on, and every later step of `by` is the successor's."
    ),
    "try_old_token": Verb(
        "Whoever left `by` reads `of` with the access token that she still holds: within a minute it must "
        "be refused."
    ),
    "check": Verb("A check of the table below, in the middle of the story: `with` is its table."),
    "upload": Verb(
        "Uploads a page that shows `words`; name it in `attachments` by `${U1.id}`.",
        makes="answer",
        model=papers.Page,
    ),
    "download": Verb(
        "Waits until the page of the step `file` is here as one of the files of `of`, and reads the same.",
        of="referral",
        model=papers.SamePage,
    ),
    "call": Verb(
        "Any request: `method`, `path`, `body`, `query`; `kind` says what it makes, if other verbs go on.",
        makes="answer",
    ),
}

RUNS_THE_SANDBOX: Final = frozenset({"link_down", "link_up", "stop", "restart", "change_hands"})
"""Not said to anybody: the sandbox itself does it."""
