"""Keeps messages moving: deliveries, and those whose time is over."""

from typing import Final

from typing_extensions import override

from relevo.gateway.operations import blobs
from relevo.gateway.operations.context import Gateway
from relevo.gateway.operations.deliver import Deliverer
from relevo.gateway.operations.endings import expire
from relevo.gateway.operations.mailbox import Mailboxes
from relevo.servicekit.worker import Worker

_IDLE_SECONDS: Final = 0.5
_EXPIRY_SECONDS: Final = 5.0


class DeliveryWorker(Worker):
    """Ends only when its flights have landed: each writes down what became of it.

    Whoever waits at a mailbox is let go at once, so that the process can end.
    """

    def __init__(self, deliverer: Deliverer, mailboxes: Mailboxes) -> None:
        super().__init__("deliver", self._start_flights, idle_seconds=_IDLE_SECONDS)
        self._deliverer = deliverer
        self._mailboxes = mailboxes

    async def _start_flights(self) -> bool:
        await self._deliverer.step()
        # Nothing more to do until a message comes or a flight lands: both wake this worker.
        return False

    @override
    def stop(self) -> None:
        self._mailboxes.close()
        super().stop()

    @override
    async def run(self) -> None:
        try:
            await super().run()
        finally:
            await self._deliverer.drain()


def blob_worker(gateway: Gateway) -> Worker:
    """Passes sealed files on to the peers that their messages went to."""

    async def step() -> bool:
        return await blobs.pass_on(gateway)

    return Worker("blobs", step, idle_seconds=_IDLE_SECONDS)


def expiry_worker(gateway: Gateway) -> Worker:
    """Ends what nobody fetched in time."""

    async def step() -> bool:
        await blobs.expire(gateway)
        return await expire(gateway)

    return Worker("expire", step, idle_seconds=_EXPIRY_SECONDS)
