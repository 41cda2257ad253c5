from typing import Any

import pytest
from pydantic import ValidationError

from relevo.contracts.handover import HandoverInput

WHOLE: dict[str, Any] = {
    "received_by": "sv.ong-frontera",
    "brought_at": "2026-03-02T08:40:00Z",
    "place": {"country": "SV", "code": "SV-UN"},
    "persons": 3,
    "age_bands": [{"band": "0-4", "persons": 1}, {"band": "18-59", "persons": 2}],
    "urgent_needs": ["primary_health"],
    "vulnerable": ["pregnant_or_lactating"],
}


def test_a_handover_says_how_many_how_old_and_what_they_need() -> None:
    said = HandoverInput.model_validate(WHOLE)
    assert said.persons == 3


@pytest.mark.parametrize(
    "change",
    [
        {"persons": 4},
        {"persons": 0},
        {"age_bands": [{"band": "0-4", "persons": 1}, {"band": "0-4", "persons": 2}]},
        {"age_bands": [{"band": "adults", "persons": 3}]},
        {"urgent_needs": ["arrest"]},
        {"note": "habla mucho"},
        {"names": ["Yorgelis"]},
        {"wanted": True},
        {"place": {"country": "SV", "code": "GT-1204"}},
    ],
    ids=str,
)
def test_a_handover_holds_nothing_else(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HandoverInput.model_validate(WHOLE | change)
