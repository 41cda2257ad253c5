"""Examples of figures, and what is said of their page, the same at a node and at its gateway."""

from typing import Annotated, Any, Final

from fastapi import Query

DIGEST: Final = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
COORDINATED: Final = (
    "For the institution that the gateway's office appointed to watch the route for its *mesa*; for everybody "
    "else there is no such page. Figures of referrals that began in the period at gateways of this country, as "
    "they stood when the settling days were over: how many by state, of how many a clock had run out and which "
    "rung was told, in what stretch of time half of them came so far. Never a file, a code, a person or an "
    "institution. What is small, and what would tell of it, is in `not_shown` or nowhere. Of a sealed route: how "
    "many of its class, by quarter. The same figures for ever."
)
COORDINATION: Final[dict[str, Any]] = {
    "period": "2025-11",
    "pathway": "gt-izabal-health",
    "country": "GT",
    "counted_at": "2025-12-31T00:00:00Z",
    "minimum": 5,
    "count": 58,
    "states": [
        {"code": "completed", "count": 31},
        {"code": "in_care", "count": 9},
        {"code": "waiting", "count": 18},
    ],
    "overdue": [{"clock": "decide", "rung": "coordination_table", "count": 7}],
    "without_outcome_percent": 47,
    "times": [{"state": "accepted", "median": "within_3_days"}],
    "digests": [DIGEST],
}
PeriodAsked = Annotated[
    str, Query(description="2025, 2025-Q4 or 2025-11.", max_length=8, examples=["2025-11"])
]
