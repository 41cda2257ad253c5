"""Times as people and headers read them."""

from datetime import UTC, datetime


def in_words(moment: datetime) -> str:
    """RFC 3339 in UTC to the second, as refusals state the server's time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
