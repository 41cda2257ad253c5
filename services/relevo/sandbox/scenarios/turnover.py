"""Whoever works with an institution's system leaves: her key, and the token that she still holds, end."""

import time
from typing import Final

from relevo.contracts.problem_types import PROBLEM_TYPES
from relevo.sandbox.systems import UnexpectedAnswerError
from relevo.servicekit.issuer_statements import MAX_AGE_SECONDS

from .answers import as_json, told
from .expected import NotSoError
from .federation import Federation

_POLL_SECONDS: Final = 0.2


def change_hands(federation: Federation, party: str) -> None:
    """Somebody else takes over; she who leaves keeps a token that was good a moment ago.

    Raises:
        NotSoError: Her key still opens the node.
    """
    federation.system(party).get("/v1/referrals", limit=1)
    before = federation.change_hands(party)
    try:
        before.token_anew()
    except UnexpectedAnswerError:
        return
    raise NotSoError("the key of whoever left still opens the node", "do")


def shut_out(federation: Federation, party: str, path: str) -> None:
    """Waits until the token of her who left opens nothing: a node looks at its issuer's list twice a minute.

    Raises:
        NotSoError: It opens something for longer than a node may go by an old list, or is refused otherwise.
    """
    left = federation.left[party]
    deadline = time.monotonic() + MAX_AGE_SECONDS
    while (answer := left.call("GET", path)).is_success and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    problem = as_json(answer)
    if not isinstance(problem, dict) or problem.get("type") != PROBLEM_TYPES["invalid_token"].uri:
        raise NotSoError(f"the token of whoever left is answered {told(answer)}", "do")
