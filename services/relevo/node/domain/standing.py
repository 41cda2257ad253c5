"""Where a referral stands: what both sides' events say, and what the gateway said of a silent message."""

from relevo.contracts.lifecycles.referral import Replay, State


def standing(replay: Replay, *, delivery: str | None, sharing: str, closed_here: bool) -> State:
    """The state to show.

    Until the receiver's node has spoken, the sender goes by the gateway's signed receipts; a late
    `received` wins over them.
    """
    if replay.state != "submitted":
        return replay.state
    if delivery == "recalled":
        return "closed" if closed_here else "cancelled"
    if delivery in {"refused", "expired", "dead"}:
        if closed_here:
            return "closed"
        return (
            "consent_withdrawn"
            if sharing == "withdrawn"
            else "expired"
            if delivery == "expired"
            else "failed"
        )
    return "submitted"
