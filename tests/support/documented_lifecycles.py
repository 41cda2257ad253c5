"""Lifecycles as the design writes them down, in its words: nothing here is read from the code.

`a, b | c, d | who` means: from a or b to c or d, and `who` says so.
"""

from typing import Final

REFERRAL: Final = """
draft | submitted | sender's node
submitted | received | receiver's node
received | acknowledged | receiver
received, acknowledged | accepted, rejected, waitlisted, redirected, info_requested | receiver
info_requested | received, acknowledged | receiver, back
waitlisted | accepted, rejected | receiver
accepted | scheduled, in_progress, completed, failed | receiver
scheduled | scheduled, in_progress, failed | receiver
in_progress | on_hold, completed, failed | receiver
on_hold | in_progress, completed, failed | receiver
received, acknowledged, info_requested, waitlisted | cancel_requested | receiver
accepted, scheduled, in_progress, on_hold | cancel_requested | receiver
cancel_requested | received, acknowledged, info_requested, waitlisted | receiver, back
cancel_requested | accepted, scheduled, in_progress, on_hold | receiver, back
cancel_requested | cancelled | receiver
submitted | expired, consent_withdrawn | sender's node
received, acknowledged, info_requested, waitlisted | expired, consent_withdrawn | receiver's node
completed, failed, rejected, redirected, cancelled, expired, consent_withdrawn | closed | sender
completed, failed, rejected, redirected, cancelled, expired, consent_withdrawn | entered_in_error | sender
closed | entered_in_error | sender
received, acknowledged, info_requested, waitlisted, cancel_requested | entered_in_error | receiver
accepted, scheduled, in_progress, on_hold | entered_in_error | receiver
"""
"""One writer at a time: from `received` to an outcome the receiver, who says also that the sender wishes to
cancel; before and after, the sender. `back`: to the state that was interrupted, and to no other."""

CONSENT: Final = """
draft | active, pending_guardian, refused | anybody
pending_guardian | active, refused, expired | anybody
active | pending_person, superseded, withdrawn, expired | anybody
pending_person | superseded, withdrawn, expired, refused | anybody
"""
"""At eighteen the guardian's word ends, and hers is waited for: nothing leads back to the guardian's."""

RETURNEE: Final = """
announced | arrived, did_not_board, no_show, merged, void | anybody
did_not_board | announced, arrived, closed, merged, void | anybody
no_show | arrived, closed, merged, void | anybody
arrived | received, no_show, closed, merged, void | anybody
received | closed, merged, void | anybody
merged | announced, did_not_board, no_show, arrived, received | anybody
"""
"""What was merged goes back to where it was when two people had been taken for one, by undoing it alone."""

FOLLOW_UP: Final = """
requested | accepted, declined, redirected | holder
redirected | accepted, declined | holder
accepted | scheduled, in_progress, refused, unsafe, redirected | holder
scheduled | in_progress, refused, unsafe | holder
in_progress | completed, partial, unreachable, refused, unsafe | holder
requested, redirected, accepted, scheduled, in_progress | cancelled | asker
requested, redirected, accepted, scheduled, in_progress | expired, consent_withdrawn | node
"""

MEMBERSHIP: Final = """
active | suspended, left | anybody
suspended | active, left | anybody
"""
"""What becomes of an institution after two persons approved it; `applied` has its own way in."""

DESK: Final = """
dead | queued, returned, closed | anybody
"""
"""What a person at the desk may do with a delivery: only with one that nothing more is tried for."""

NEEDS_REASON: Final = frozenset({"rejected", "failed", "redirected", "cancelled", "on_hold"})
"""A negative outcome says why, and so does a hold."""


def moves(table: str) -> dict[tuple[str, str], str]:
    """(from, to) → who."""
    found: dict[tuple[str, str], str] = {}
    for line in table.strip().splitlines():
        froms, tos, who = (cell.strip() for cell in line.split("|"))
        for here in froms.split(", "):
            for to in tos.split(", "):
                assert (here, to) not in found, f"{here} → {to} stands twice"
                found[here, to] = who
    return found
