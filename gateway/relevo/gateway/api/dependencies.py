"""What handlers reach: the services that `main` put together."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from relevo.gateway.operations.accept import Acceptance
from relevo.gateway.operations.context import Gateway
from relevo.gateway.operations.directory import Directory
from relevo.gateway.operations.find_services import ServiceFinder
from relevo.gateway.operations.follow_up import FollowUpDesk
from relevo.gateway.operations.mailbox import Mailboxes
from relevo.gateway.operations.status import StatusDesk
from relevo.gateway.operations.withdrawal_requests import WithdrawalDesk
from relevo.servicekit.access_token import Caller


@dataclass(frozen=True)
class Service:
    """One gateway with what it remembers between requests."""

    gateway: Gateway
    directory: Directory
    acceptance: Acceptance
    status_desk: StatusDesk
    follow_up_desk: FollowUpDesk
    mailboxes: Mailboxes
    withdrawal_desk: WithdrawalDesk
    service_finder: ServiceFinder


def service_of(request: Request) -> Service:
    return cast("Service", request.app.state.service)


def is_gateway(caller: Caller) -> bool:
    """Whether a peer asks, not one of our own institutions."""
    return caller.institution.startswith("gateway.")
