"""The calendar of the demo world: fixed moments, whatever the clock and the time zone say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def day(number: int, hour: int = 9, minute: int = 0) -> int:
    """Return seconds since the epoch at an hour (UTC) of a day of the story, counted from 0."""
    moment = _START.replace(hour=hour, minute=minute) + timedelta(days=number)
    return int(moment.timestamp())


def text_of(time: int) -> str:
    """Return a time as RFC 3339 writes it, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
