"""What can come of asking another service: an answer, or one of these.

```
RetryableError          the same request may succeed later
RefusedError            it will not, whoever asks again
└── ForbiddenAddressError   the URL leads where we do not go
```
"""

from relevo.contracts.problem import Problem


class RetryableError(Exception):
    """Try again, not before `retry_after` seconds when the other side said so.

    `cause` is one of our words (`timeout`, `connect`, `status_503` …), never what the peer wrote.
    """

    def __init__(
        self,
        cause: str,
        retry_after: float | None = None,
        *,
        status: int | None = None,
        problem: Problem | None = None,
    ) -> None:
        self.cause = cause
        self.retry_after = retry_after
        self.status = status
        self.problem = problem
        super().__init__(cause)


class RefusedError(Exception):
    """The other side understood and said no; `problem` when it said so in the contract's form."""

    def __init__(
        self, problem: Problem | None, status: int, *, oauth_error: str | None = None
    ) -> None:
        self.problem = problem
        self.status = status
        self.oauth_error = oauth_error
        super().__init__(f"refused with status {status}")

    @property
    def name(self) -> str | None:
        """The problem type's name, the last part of its URI."""
        return self.problem.type.rpartition("/")[2] if self.problem else None


class ForbiddenAddressError(RefusedError):
    """The URL is not https, or leads to a private address, and neither is allowed."""

    def __init__(self, reason: str) -> None:
        super().__init__(None, 0)
        self.reason = reason
