"""Long lists are read while nobody waits, and to their end whatever happens."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from relevo.node.operations import intake
from relevo.node.operations.intake import read_next
from relevo.node.operations.post_manifest import READ_AT_ONCE, ROWS_OF_BLOCK
from tests.support.manifests import CSV, a_list, ordinary_rows
from tests.support.nodes import Member, Network
from tests.support.reception import counts, events, get, post, posted, read_all, rows_of

pytestmark = pytest.mark.asyncio


async def test_a_long_list_is_answered_at_once_and_read_with_progress(reception: Member) -> None:
    size = 2 * ROWS_OF_BLOCK + 7
    assert size > READ_AT_ONCE
    answer = await post(reception, a_list(CSV, *ordinary_rows(size, first=100)))
    assert answer.status_code == 202
    manifest = answer.json()
    assert (manifest["state"], manifest["rows_total"], manifest["rows_read"]) == (
        "waiting",
        size + 1,
        0,
    )
    await read_all(reception)
    done = await get(reception, f"/v1/manifests/{manifest['id']}")
    assert (done["state"], done["rows_read"], done["kept"]) == ("done", size + 1, size + 1)
    rows = await rows_of(reception, manifest["id"])
    assert [row["line"] for row in rows] == list(range(2, size + 3))
    assert len([e for e in await events(reception) if e["type"].endswith("announced")]) == size + 1


class _KilledError(BaseException):
    """The process ends here."""


async def test_a_list_that_was_cut_off_in_the_middle_is_read_to_its_end(
    reception: Member, alone: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 2 * ROWS_OF_BLOCK + 10
    manifest = await posted(reception, a_list(CSV, *ordinary_rows(size, first=100)))
    plan = intake._plan
    blocks = 0

    def die_before_the_second(*args: Any) -> Any:
        nonlocal blocks
        blocks += 1
        if blocks == 2:
            raise _KilledError
        return plan(*args)

    with monkeypatch.context() as patched:
        patched.setattr(intake, "_plan", die_before_the_second)
        with pytest.raises(_KilledError):
            await read_next(reception.node)
    cut = await get(reception, f"/v1/manifests/{manifest['id']}")
    assert (cut["state"], cut["rows_read"]) == ("running", ROWS_OF_BLOCK)
    assert not await read_next(reception.node)  # its lease has not run out
    alone.clock.advance(intake_lease())
    await read_all(reception)
    done = await get(reception, f"/v1/manifests/{manifest['id']}")
    assert (done["state"], done["rows_read"], done["kept"]) == ("done", size + 1, size + 1)
    listed = [e for e in await events(reception) if e["type"].endswith("announced")]
    assert len({event["subject"] for event in listed}) == len(listed) == size + 1


def intake_lease() -> timedelta:
    return timedelta(seconds=intake.LEASE + 1)


async def test_whoever_lost_the_lease_writes_nothing_more(
    reception: Member, alone: Network
) -> None:
    manifest = await posted(reception, a_list(CSV, *ordinary_rows(READ_AT_ONCE + 1, first=100)))
    claimed = await reception.node.database.write(intake._claim, reception.node)
    assert claimed is not None
    alone.clock.advance(intake_lease())
    await read_all(reception)
    told = await events(reception)
    late = await intake.read_version(reception.node, *claimed)
    assert late.state == "done"
    assert await events(reception) == told
    done = await get(reception, f"/v1/manifests/{manifest['id']}")
    assert done["kept"] == done["rows_total"]


async def test_two_versions_that_wait_are_read_in_the_order_they_came(reception: Member) -> None:
    rows = ordinary_rows(READ_AT_ONCE + 5, first=100)
    await posted(reception, a_list(CSV, *rows))
    newer = [{**rows[0], "municipality": "GT-1420"}, *rows[1:]]
    second = await posted(reception, a_list(CSV, *newer))
    assert (second["version"], second["state"]) == (2, "waiting")
    await asyncio.gather(read_next(reception.node), read_next(reception.node))
    await read_all(reception)
    done = await get(reception, f"/v1/manifests/{second['id']}")
    assert (done["version"], done["state"], *counts(done)) == (2, "done", 0, 1, len(rows), 0)


async def test_a_block_that_fails_at_its_end_leaves_nothing_and_is_read_again(
    reception: Member, alone: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = await posted(reception, a_list(CSV, *ordinary_rows(READ_AT_ONCE + 1, first=100)))
    carry_out = intake._carry_out

    def fail_at_the_end(*args: Any) -> None:
        carry_out(*args)
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(intake, "_carry_out", fail_at_the_end)
        with pytest.raises(OSError, match="disk"):
            await read_next(reception.node)
    assert await events(reception) == []
    assert (await get(reception, "/v1/returnees"))["returnees"] == []
    alone.clock.advance(timedelta(minutes=10))
    await read_all(reception)
    done = await get(reception, f"/v1/manifests/{manifest['id']}")
    assert (done["state"], done["kept"]) == ("done", done["rows_total"])
