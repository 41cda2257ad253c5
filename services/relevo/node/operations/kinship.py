"""Who belongs together, by fingerprints: lists name families and rows, the database holds no name of either."""

from collections.abc import Iterable

from sqlalchemy import Connection

from relevo.contracts.candidates import Kinship
from relevo.contracts.manifest.read_row import ReadRow
from relevo.contracts.returnee import GroupKind, GroupMembers, RelativeLink
from relevo.node.storage import returnees
from relevo.node.storage.returnees import StoredReturnee
from relevo.node.storage.vault import Vault

_RELATIVE = "relative:"
_SEEN_FROM_THERE = {"parent": "child", "child": "parent", "guardian": "child"}
_GROUPS: tuple[GroupKind, ...] = ("family_unit", "sibling_group")


def row_key(vault: Vault, owner: str, manifest_reference: str, row: str) -> str:
    """The fingerprint of a row; `row` is its reference, or its line."""
    return vault.fingerprint("row", owner, manifest_reference, row)


def row_name(reference: str | None, line: int) -> str:
    return f"line {line}" if reference is None else f"reference {reference}"


def group_key(vault: Vault, owner: str, manifest_reference: str, kind: str, name: str) -> str:
    return vault.fingerprint("group", owner, manifest_reference, kind, name)


def links_of_row(
    vault: Vault, owner: str, manifest_reference: str, row: ReadRow
) -> list[tuple[str, str]]:
    """Kind and target of every link that a row names."""
    links: list[tuple[str, str]] = [
        (kind, group_key(vault, owner, manifest_reference, kind, name)) for kind, name in row.groups
    ]
    for relative in row.relatives:
        if relative.row_reference is not None:
            on = relative.manifest_reference or manifest_reference
            name = row_name(relative.row_reference, 0)
            links.append((_RELATIVE + relative.relation, row_key(vault, owner, on, name)))
    return links


def link_to(relation: str, returnee_id: str) -> tuple[str, str]:
    """A link to a record that is known by its id."""
    return _RELATIVE + relation, returnee_id


def kin_of(
    connection: Connection, record: StoredReturnee
) -> tuple[list[GroupMembers], list[RelativeLink]]:
    """The record's groups and relatives, said by either side."""
    own = returnees.links(connection, record)
    group_targets = {target for kind, target in own if kind in _GROUPS}
    names_of_hers = {record.id, *([record.row_key] if record.row_key else [])}
    others = [
        link
        for link in returnees.linked_to(
            connection, group_targets | names_of_hers, owner=record.owner
        )
        if link[0] != record.id
    ]
    groups = [
        GroupMembers(
            kind=kind,
            returnee_ids=sorted({other for other, _, there in others if there == target}),
        )
        for kind in _GROUPS
        for own_kind, target in own
        if own_kind == kind
    ]
    return groups, [
        *_said_by_her(connection, record, own),
        *(
            RelativeLink(relation=_seen_from_there(kind), returnee_id=other)
            for other, kind, target in others
            if target in names_of_hers
        ),
    ]


def kinship_between(connection: Connection, one: StoredReturnee, other: StoredReturnee) -> Kinship:
    """How lists and officers say that two records belong together, if at all.

    Who has a relative in common with her is as one of her family.
    """
    groups, relatives = kin_of(connection, one)
    hers = {link.returnee_id for link in relatives if link.returnee_id is not None}
    if other.id in hers:
        return "named"
    if any(other.id in group.returnee_ids for group in groups):
        return "one_group"
    _, theirs = kin_of(connection, other) if hers else ((), ())
    return "one_group" if hers & {link.returnee_id for link in theirs} else "none"


def _said_by_her(
    connection: Connection, record: StoredReturnee, own: Iterable[tuple[str, str]]
) -> list[RelativeLink]:
    named = [(kind, target) for kind, target in own if kind.startswith(_RELATIVE)]
    rows = returnees.by_row_keys(connection, [target for _, target in named], owner=record.owner)
    by_id = returnees.owned_ids(connection, [target for _, target in named], owner=record.owner)
    return [
        RelativeLink(
            relation=kind.removeprefix(_RELATIVE),
            returnee_id=rows.get(target) or (target if target in by_id else None),
        )
        for kind, target in named
    ]


def _seen_from_there(kind: str) -> str:
    relation = kind.removeprefix(_RELATIVE)
    return _SEEN_FROM_THERE.get(relation, relation)
