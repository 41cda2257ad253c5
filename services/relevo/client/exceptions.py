"""What can go wrong, as callers act on it.

```
RelevoError
├── RelevoProblemError            the node refused and said why (RFC 9457)
│   ├── NotFoundError             absent, or not yours: the node says the same of both
│   ├── InvalidInputError         `errors` name each place that is wrong
│   ├── RefusedByConsentError     the person did not allow this
│   ├── IllegalTransitionError    this step is not possible now, or is the other side's
│   ├── KeyNotConfirmedError      somebody must compare the institution's fingerprint first
│   └── NotAllowedError           the client lacks a scope, or acts for another institution
├── UnavailableError              no answer in time; nothing is lost, ask again later
├── CredentialsRefusedError       the issuer does not know this client or its key
├── NotTheContractError           something else than a node answered, or a newer one
├── SettingsError                 node, client or key are missing or cannot be used
└── WebhookRefusedError           a call that the node did not sign, or an old one
```
"""

from typing import Any, Final

from relevo.contracts.problem import FieldError, Problem
from relevo.contracts.problem_types import PROBLEM_BASE


class RelevoError(Exception):
    """The root of everything that this client raises by itself."""


class RelevoProblemError(RelevoError):
    """The node refused. `str()` is for people, in the language that was asked for.

    Attributes:
        problem: As it came.
        name: Its documented type, such as `consent_missing`; docs/problems.md lists them.
        status: The HTTP status.
        errors: Places in the input, as JSON pointers (RFC 6901), when the input is at fault.
        members: What the type carries beside that, such as `from_state`.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.name = problem.type.removeprefix(PROBLEM_BASE)
        self.status = problem.status
        self.errors: list[FieldError] = problem.errors
        self.members: dict[str, Any] = dict(problem.model_extra or {})
        places = "".join(
            f"\n  {place.pointer or 'all of it'}: {place.detail}" for place in self.errors
        )
        super().__init__(f"{problem.title}. {problem.detail}{places}")


class NotFoundError(RelevoProblemError):
    """Absent, or not yours: the node says the same of both."""


class InvalidInputError(RelevoProblemError):
    """What was sent does not fit the contract or its pathway."""


class RefusedByConsentError(RelevoProblemError):
    """The person did not allow this. Ask her, or leave out what she did not allow."""


class IllegalTransitionError(RelevoProblemError):
    """The step is not possible from where the referral or consent stands."""

    @property
    def from_state(self) -> str:
        """Where it stands."""
        return str(self.members.get("from_state") or self.members.get("state", ""))

    @property
    def to_state(self) -> str:
        """Where it should have gone."""
        return str(self.members.get("to_state", ""))


class KeyNotConfirmedError(RelevoProblemError):
    """Compare the other institution's fingerprint by telephone, then pin it."""


class NotAllowedError(RelevoProblemError):
    """The client lacks a scope, or acts for another institution or unit."""


class UnavailableError(RelevoError):
    """No answer in the time that the caller had. Nothing is lost.

    Attributes:
        problem: What the node said last, if it said anything.
        retry_after: Seconds after which it asked to be tried again.
        idempotency_key: Send the same again under this key, and it happens once, even if the lost
            request did arrive.
    """

    def __init__(
        self,
        text: str,
        *,
        problem: Problem | None = None,
        retry_after: float | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        self.problem = problem
        self.retry_after = retry_after
        self.idempotency_key = idempotency_key
        super().__init__(text)


class CredentialsRefusedError(RelevoError):
    """No token: the client is unknown, suspended, or its key is another.

    Attributes:
        error: The code of RFC 6749 §5.2, such as `invalid_client`.
    """

    def __init__(self, error: str, text: str) -> None:
        self.error = error
        super().__init__(text)


class NotTheContractError(RelevoError):
    """The answer is none of this contract. Is the node's address right, and is the client as new?"""


class SettingsError(RelevoError):
    """Node, client or key are missing or cannot be used."""


class WebhookRefusedError(RelevoError):
    """A call that must not be believed: unsigned, signed with another secret, or old."""


_KINDS: Final[tuple[tuple[type[RelevoProblemError], frozenset[str]], ...]] = (
    (NotFoundError, frozenset({"not_found"})),
    (
        InvalidInputError,
        frozenset(
            {
                "invalid_input",
                "malformed_json",
                "too_deep",
                "body_too_large",
                "pathway_unknown",
                "pathway_field_required",
                "share_not_in_pathway",
                "reason_required",
                "pass_phrase_wrong",
                "manifest_unreadable",
                "attachment_blank",
                "attachment_unreadable",
                "attachment_not_cleaned",
                "unsupported_media_type",
            }
        ),
    ),
    (
        RefusedByConsentError,
        frozenset(
            {
                "consent_missing",
                "consent_not_active",
                "consent_does_not_cover_receiver",
                "receiver_denied_by_person",
                "consent_does_not_cover_category",
                "consent_does_not_cover_purpose",
                "consent_does_not_cover_date",
                "country_of_origin_excluded",
                "consulate_not_requested",
                "implicated_party_excluded",
                "implicated_person_excluded",
                "basis_not_lawful",
                "basis_not_allowed",
                "grant_not_live",
            }
        ),
    ),
    (
        IllegalTransitionError,
        frozenset({"illegal_transition", "not_your_step", "information_not_asked"}),
    ),
    (KeyNotConfirmedError, frozenset({"key_not_pinned", "key_changed"})),
    (NotAllowedError, frozenset({"invalid_token", "insufficient_scope", "not_yours"})),
)


def as_exception(problem: Problem) -> RelevoProblemError:
    """The exception of a problem, of the class that callers can act on."""
    name = problem.type.removeprefix(PROBLEM_BASE)
    for kind, names in _KINDS:
        if name in names:
            return kind(problem)
    return RelevoProblemError(problem)
