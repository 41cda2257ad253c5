"""What the application of one issuer holds for its handlers."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from relevo.auth.operations.context import Issuer
from relevo.auth.operations.issue_tokens import TokenDesk


@dataclass(frozen=True)
class AuthState:
    """One issuer, and the desk at which its token requests queue."""

    issuer: Issuer
    desk: TokenDesk


def auth_state(request: Request) -> AuthState:
    return cast("AuthState", request.app.state.auth)


def issuer_of(request: Request) -> Issuer:
    return auth_state(request).issuer
