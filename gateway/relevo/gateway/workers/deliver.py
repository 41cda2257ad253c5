"""Keeps messages moving: deliveries, and those whose time is over."""

from typing import Final

from typing_extensions import override

from relevo.gateway.operations.context import Gateway
from relevo.gateway.operations.deliver import Deliverer, expire
from relevo.servicekit.worker import Worker

_IDLE_SECONDS: Final = 0.5
_EXPIRY_SECONDS: Final = 5.0


class DeliveryWorker(Worker):
    """Ends only when its flights have landed: each writes down what became of it."""

    def __init__(self, deliverer: Deliverer) -> None:
        super().__init__("deliver", deliverer.step, idle_seconds=_IDLE_SECONDS)
        self._deliverer = deliverer

    @override
    async def run(self) -> None:
        try:
            await super().run()
        finally:
            await self._deliverer.drain()


def expiry_worker(gateway: Gateway) -> Worker:
    """Ends what nobody fetched in time."""

    async def step() -> bool:
        return await expire(gateway)

    return Worker("expire", step, idle_seconds=_EXPIRY_SECONDS)
