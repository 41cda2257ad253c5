"""Records that may be of one person: proposed by comparing, decided by people (domain rule 9).

Only records of the same unit are compared. Nothing is shown of the other but its id and what agrees;
whoever may read it reads it by its id, which is noted like every read.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Final, cast

from sqlalchemy import Connection

from relevo.contracts.candidates import Candidate, Candidates, FieldEvidence, Likeness
from relevo.contracts.matching.compare import Comparison, compare
from relevo.contracts.referral import ReferralSubmission
from relevo.contracts.sealed_records import may_be_matched
from relevo.node.storage import matching, returnees
from relevo.node.storage.returnees import StoredReturnee
from relevo.servicekit.access_token import Caller

from .access import note_reads
from .context import Node
from .kinship import kinship_between
from .returnees import found_record
from .visibility import party_of

MOST_OPENED: Final = 200
"""Records that are opened for one look-up, those with most keys in common."""
_ORDER: Final = ("likely", "possible", "siblings", "no")


async def candidates_of(node: Node, caller: Caller, returnee_id: str, *, limit: int) -> Candidates:
    """Other records of the unit that may be hers, the likeliest first.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    owner, found = await node.database.read(_look_up, node, caller, returnee_id, limit)
    seen = [returnee_id, *(candidate.returnee_id for candidate in found.candidates)]
    await note_reads(node, caller, what="candidates", subjects=seen, owner=owner)
    return found


def _look_up(
    connection: Connection, node: Node, caller: Caller, returnee_id: str, limit: int
) -> tuple[str, Candidates]:
    record = found_record(caller, returnees.get(connection, node.vault, returnee_id))
    subject = matching.subject_in(record.body)
    if (
        subject is None
        or record.state in matching.MATCHES_NOTHING
        or matching.is_apart(connection, record.id)
    ):
        return record.owner, Candidates(returnee_id=record.id, compared=False)
    ids = matching.sharing(
        connection,
        matching.blinds_asked(node.vault, record.owner, subject),
        beside=record.id,
        limit=MOST_OPENED,
    )
    compared = [
        (other, compare(subject, theirs))
        for other in returnees.by_ids(connection, node.vault, ids)
        if other.owner == record.owner
        and other.state not in matching.MATCHES_NOTHING
        and (theirs := matching.subject_in(other.body)) is not None
    ]
    proposed = (
        candidate
        for other, comparison in sorted(compared, key=_rank)
        if comparison.level != "no"
        and (candidate := _candidate(connection, record, other, comparison)) is not None
    )
    shown = list(islice(proposed, limit))
    # That two are of one family is read last, and may make siblings of them.
    shown.sort(key=lambda candidate: _ORDER.index(candidate.likeness))
    return record.owner, Candidates(returnee_id=record.id, compared=True, candidates=shown)


def _rank(pair: tuple[StoredReturnee, Comparison]) -> tuple[int, float, str]:
    return _ORDER.index(pair[1].level), -pair[1].score, pair[0].id


def _candidate(
    connection: Connection, record: StoredReturnee, other: StoredReturnee, comparison: Comparison
) -> Candidate | None:
    kinship = kinship_between(connection, record, other)
    if kinship == "named":
        return None
    one_family = kinship == "one_group" and comparison.may_be_siblings
    return Candidate(
        returnee_id=other.id,
        state=other.state,
        manifest_id=other.manifest_id,
        created_at=other.created_at,
        likeness="siblings" if one_family else cast("Likeness", comparison.level),
        evidence=[
            FieldEvidence(field=said.field, agreement=said.agreement)
            for said in comparison.evidence
            if said.agreement != "unknown"
        ],
    )


def keep_searches_apart(connection: Connection, sent: Sequence[ReferralSubmission]) -> None:
    """Takes the records of people who are searched for out of every comparison, for good.

    Whoever is missing is found by people who ask, never by a machine that compares.
    """
    searched = {
        person.person_id
        for referral in sent
        if not may_be_matched(
            purpose=referral.purpose, services=[need.service for need in referral.needs]
        )
        for person in referral.persons
    }
    here = returnees.lock(connection, searched) if searched else {}
    if here:
        matching.keep_apart(connection, here)
