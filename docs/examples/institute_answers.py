"""An institute's system answers what arrives, for as long as it runs.

    python institute_answers.py position.txt

It follows the node's event feed and keeps its place in a file, so it may be stopped and started at
any time and misses nothing. Node, client and key: RELEVO_CLIENT_PROFILE=desk.toml
"""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from relevo.client.exceptions import IllegalTransitionError, NotFoundError
from relevo.client.relevo import AsyncRelevo

WE_OFFER = {"safe_transport_accompanied", "national_id", "reception"}


async def answer(relevo: AsyncRelevo, referral_id: str) -> None:
    """Acknowledges one that just arrived, and takes it on or says why not."""
    try:
        referral = await relevo.referrals.get(referral_id)
    except NotFoundError:
        return  # another unit's
    if referral.role != "receiver" or referral.state not in {"received", "acknowledged"}:
        return
    needs = {need.service for need in referral.needs}
    # A colleague at the desk may be quicker: then there is nothing left to do.
    with contextlib.suppress(IllegalTransitionError):
        await relevo.referrals.acknowledge(referral_id, seen_by="automatic intake")
        if needs & WE_OFFER:
            await relevo.referrals.accept(referral_id)
        else:
            await relevo.referrals.reject(referral_id, "outside_mandate")
        print(f"{referral.reference_code} ({referral.triage}): answered", flush=True)


async def take_on(relevo: AsyncRelevo, follow_up_id: str) -> None:
    """Accepts a follow-up; people at the desk try to reach her, as she said they may."""
    try:
        follow_up = await relevo.follow_ups.get(follow_up_id)
    except NotFoundError:
        return  # another unit's
    if follow_up.role != "holder" or follow_up.state != "requested":
        return
    with contextlib.suppress(IllegalTransitionError):
        await relevo.follow_ups.accept(follow_up_id)
        print(f"{follow_up.reference_code}: follow-up accepted", flush=True)


async def follow(position: Path, after: int) -> None:
    async with AsyncRelevo() as relevo:
        async for event in relevo.events.follow(after, every_seconds=1):
            if event.type.startswith("org.relevo.referral."):
                await answer(relevo, event.subject)
            elif event.type.startswith("org.relevo.follow_up."):
                await take_on(relevo, event.subject)
            # After the work: what was interrupted comes again.
            await asyncio.to_thread(position.write_text, str(event.position), "ascii")


async def main(position: Path, after: int) -> None:
    work = asyncio.create_task(follow(position, after))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    kept = Path(sys.argv[1])
    asyncio.run(main(kept, int(kept.read_text("ascii")) if kept.exists() else 0))
