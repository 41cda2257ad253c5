"""What a process and its children cost: processor time and memory."""

from collections.abc import Callable

import psutil

from .measure import Figures


def processor_seconds(process_id: int) -> float:
    """Processor time of a process and its children so far."""
    total = 0.0
    for process in _family(process_id):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def resident_megabytes(process_id: int) -> float:
    """Memory that a process holds."""
    return float(psutil.Process(process_id).memory_info().rss) / 1e6


def with_processor_time(process_ids: list[int], turn: Callable[[], Figures]) -> Figures:
    """A turn's figures and `cpu_us`: processor time of these processes for one operation.

    The second figure beside the rate: it says the same however busy the machine is.
    """
    before = sum(map(processor_seconds, process_ids))
    figures = turn()
    spent = sum(map(processor_seconds, process_ids)) - before
    operations = figures["rate"] * figures["seconds"]
    return {**figures, "cpu_us": 1e6 * spent / max(operations, 1)}


def _family(process_id: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(process_id)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
