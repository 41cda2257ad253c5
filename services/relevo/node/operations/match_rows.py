"""Which record a row of a new version is about.

A row is known by its reference, or by its line. Lines move when rows are put in above them, so a row
that says what another line said before is that one; and a line that now names somebody else is a new
person, never the old record written over.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from relevo.contracts.lifecycles.returnee import State, way
from relevo.contracts.manifest.names import Name, sounds
from relevo.contracts.manifest.read_row import ReadRow
from relevo.node.storage.returnees import StoredReturnee


@dataclass(frozen=True)
class Match:
    """The record of a row, if there is one.

    Attributes:
        same_words: The row says what it said before, to the letter.
        given_up: Records that no longer stand in this line.
        refusal: Code of advice, when the row cannot be taken.
    """

    record: StoredReturnee | None = None
    same_words: bool = False
    given_up: list[str] = field(default_factory=list)
    refusal: str | None = None


class RowMatcher:
    """Matches the rows of one version, in order."""

    def __init__(self, version: int, digests: Iterable[str]) -> None:
        self._version = version
        self._coming = set(digests)
        self._used: set[str] = set()
        self._by_key: dict[str, list[StoredReturnee]] = {}
        self._by_digest: dict[str, list[StoredReturnee]] = {}

    def begin_block(self, known: list[StoredReturnee]) -> None:
        """Records that the rows of this block may be about."""
        by_key: dict[str, list[StoredReturnee]] = defaultdict(list)
        by_digest: dict[str, list[StoredReturnee]] = defaultdict(list)
        for record in known:
            if record.seen_version is None or record.seen_version >= self._version:
                continue
            if record.row_key is not None:
                by_key[record.row_key].append(record)
            if record.row_digest is not None:
                by_digest[record.row_digest].append(record)
        self._by_key, self._by_digest = by_key, by_digest
        # Those given out by earlier blocks are no longer among the known.
        self._used = set()

    def match(self, row: ReadRow, key: str, digest: str) -> Match:
        """The record of one row; each record is given out once."""
        in_place = self._free(self._by_key.get(key, []))
        if row.reference is not None:
            return self._by_reference(row, digest, in_place)
        same = self._free(self._by_digest.get(digest, []))
        if same:
            # The one on this very line first: identical rows stay apart.
            chosen = next((one for one in same if one.row_key == key), same[0])
            return self._use(Match(chosen, same_words=True))
        for record in in_place:
            if record.row_digest in self._coming:
                continue  # further down the list, word for word
            if is_same_person(record.body, row):
                return self._use(Match(record))
        return Match(given_up=[record.id for record in in_place])

    def _by_reference(self, row: ReadRow, digest: str, in_place: list[StoredReturnee]) -> Match:
        if not in_place:
            return Match()
        record = in_place[-1]
        if record.row_digest == digest:
            return self._use(Match(record, same_words=True))
        if shares_something(record.body, row):
            return self._use(Match(record))
        return Match(refusal="row_holds_another_person")

    def _free(self, records: list[StoredReturnee]) -> list[StoredReturnee]:
        return [record for record in records if record.id not in self._used]

    def _use(self, match: Match) -> Match:
        if match.record is not None:
            self._used.add(match.record.id)
        return match


def is_same_person(body: dict[str, Any], row: ReadRow) -> bool:
    """Whether a line plausibly still holds the same person: the same paper, or the same first and a family name."""
    old, new = _Known(body.get("details") or {}), _known(row)
    if old.numbers & new.numbers:
        return True
    if not (old.given and new.given) or old.given[0] != new.given[0]:
        return False
    return bool(set(old.family) & set(new.family)) or not (old.family and new.family)


def shares_something(body: dict[str, Any], row: ReadRow) -> bool:
    """Whether anything ties a row to the record of its reference: a name's sound, a paper, a birth date."""
    old, new = _Known(body.get("details") or {}), _known(row)
    return bool(
        old.numbers & new.numbers
        or {*old.given, *old.family} & {*new.given, *new.family}
        or (old.birth and old.birth == new.birth)
    )


class _Known:
    """What tells people apart."""

    def __init__(self, details: dict[str, Any]) -> None:
        identity = details.get("identity") or {}
        name = Name(identity.get("given_names", ""), tuple(identity.get("family_names", ())))
        self.given, self.family = sounds(name)
        birth = identity.get("birth_date") or {}
        self.birth = birth.get("value") if birth.get("precision") == "day" else None
        papers = (details.get("identity_document") or {}).get("documents", ())
        self.numbers = {paper["number"] for paper in papers if paper.get("number")}


def _known(row: ReadRow) -> _Known:
    return _Known({} if row.details is None else row.details.model_dump(mode="json"))


def path(state: State, said: State | None) -> tuple[State, ...] | None:
    """The moves that bring a record to where its row says she is; None when there is no way.

    "Announced" takes back only that she did not board.
    """
    if said is None or (said == "announced" and state != "did_not_board"):
        return ()
    return way(state, said)
