"""Who was brought, and the notices that are read: both clients, and as commands."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relevo.client.exceptions import (
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    RelevoProblemError,
)
from relevo.contracts.handover import HandoverInput
from relevo.contracts.notices import NoticeVersion
from relevo.contracts.scopes import Scope
from tests.client.test_commands import Person, done
from tests.client.world import Clients, World
from tests.support.institutions import RECEPTION, START

CONTROL = "gt.igm.control"
BROUGHT: dict[str, Any] = {
    "received_by": RECEPTION,
    "brought_at": "2026-03-02T08:40:00Z",
    "place": {"country": "GT", "code": "GT-1204"},
    "persons": 3,
    "age_bands": [{"band": "0-4", "persons": 1}, {"band": "18-59", "persons": 2}],
    "urgent_needs": ["primary_health"],
}


@pytest.fixture(scope="module")
def control(running: World) -> dict[str, Any]:
    return running.institute.register(
        "control", unit=CONTROL, mandates=("enforcement",), scopes=(Scope.HANDOVERS_SUBMIT,)
    )


def test_who_was_brought_is_read_by_the_reception_unit_alone(
    clients: Clients, desk: Any, control: dict[str, Any]
) -> None:
    bringing = clients(**control)
    said = HandoverInput.model_validate(BROUGHT)
    key = str(uuid.uuid4())
    receipt = bringing.handovers.submit(said, key=key).receipt
    assert bringing.handovers.submit(said, key=key).receipt == receipt
    [held] = [one for one in desk.handovers.find() if one.id == receipt]
    assert (held.persons, held.brought_by) == (3, CONTROL)
    with pytest.raises(NotAllowedError):
        list(bringing.handovers.find())
    with pytest.raises(InvalidInputError) as refused:
        bringing.handovers.submit(BROUGHT | {"received_by": "gt.renap"})
    assert [place.pointer for place in refused.value.errors] == ["/received_by"]


def test_pages_of_who_was_brought_are_read_as_they_are_needed(
    world: World, clients: Clients, desk: Any, control: dict[str, Any]
) -> None:
    bringing = clients(**control)
    receipts = {bringing.handovers.submit(BROUGHT).receipt for _ in range(51)}
    world.institute.app.seen.clear()
    assert receipts <= {one.id for one in desk.handovers.find()}
    assert world.institute.app.count("GET /v1/handovers") >= 2


def test_somebody_is_brought_by_command(
    world: World, tmp_path: Path, control: dict[str, Any]
) -> None:
    police, desk = Person(tmp_path, control), Person(tmp_path, world.arguments["desk"])
    receipt = done(police("handover", "submit", "-", typed=BROUGHT)).strip()
    rows = [line.split("\t") for line in done(desk("handover", "list")).splitlines()]
    [row] = [row for row in rows if row[0] == receipt]
    assert row[1:] == [
        CONTROL, "2026-03-02T08:40Z", "3", "1 of 0-4, 2 of 18-59", "primary_health", "",
    ]  # fmt: skip
    refused = police("handover", "list")
    assert (refused.exit_code, refused.stdout) == (1, "")


def test_a_version_of_a_notice_is_registered_and_recalled(shelter: Any) -> None:
    notice = {
        "id": f"aviso-{uuid.uuid4()}",
        "version": "1",
        "language": "es",
        "sha256": "1" * 64,
        "published_at": START,
    }
    first = NoticeVersion.model_validate(notice)
    assert shelter.notices.register(first).recalled_at is None
    assert shelter.notices.register(first).sha256 == "1" * 64
    with pytest.raises(RelevoProblemError) as refused:
        shelter.notices.register(first.model_copy(update={"sha256": "2" * 64}))
    assert refused.value.name == "notice_unknown"
    assert first.id in {one.id for one in shelter.notices.newest()}
    with pytest.raises(NotFoundError):
        shelter.notices.recall(first.id, "2", recalled_at=START)
    later = START + timedelta(days=1)
    [recalled] = shelter.notices.recall(first.id, "1", language="es", recalled_at=later)
    assert recalled.recalled_at == later
