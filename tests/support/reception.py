"""A reception desk that posts lists of returnees and reads what became of them."""

from typing import Any, Final

import httpx

from relevo.node.operations.intake import read_next
from tests.support.institutions import RECEPTION
from tests.support.manifests import CSV
from tests.support.nodes import Member

LIST: Final = "GT-2026-03-02-AA123"


async def post(
    member: Member, body: bytes, form: str = CSV, *, reference: str = LIST, **terms: str
) -> httpx.Response:
    async with member.http(unit=RECEPTION) as http:
        return await http.post(
            "/v1/manifests",
            params={"reference": reference, **terms},
            content=body,
            headers={"content-type": form},
        )


async def posted(member: Member, body: bytes, form: str = CSV, **terms: str) -> dict[str, Any]:
    answer = await post(member, body, form, **terms)
    assert answer.status_code in {200, 202}, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def get(member: Member, path: str, *, unit: str | None = RECEPTION) -> dict[str, Any]:
    claims = {} if unit is None else {"unit": unit}
    async with member.http(**claims) as http:
        answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def rows_of(member: Member, manifest_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: int | None = 0
    while cursor is not None:
        page = await get(member, f"/v1/manifests/{manifest_id}/rows?limit=500&cursor={cursor}")
        found += page["rows"]
        cursor = page["next_cursor"]
    return found


async def events(member: Member) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while page := (await get(member, f"/v1/events?limit=500&after={after}", unit=None))["events"]:
        found += page
        after = page[-1]["position"]
    return found


async def read_all(member: Member) -> None:
    while await read_next(member.node):
        pass


def counts(manifest: dict[str, Any]) -> list[int]:
    """Kept, changed, unchanged, refused."""
    return [manifest[name] for name in ("kept", "changed", "unchanged", "refused")]
