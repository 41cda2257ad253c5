"""The two clients: `Relevo` returns when it is done, `AsyncRelevo` is awaited. All else is the same.

```python
with Relevo(node="https://node.albergue.example", client="mx.albergue.cases", key="cases.jwk") as relevo:
    stored = relevo.referrals.submit(referral, key="case-1204")
    print(stored.reference_code)

async with AsyncRelevo() as relevo:  # settings from the environment or a profile
    async for event in relevo.events.follow(after=last_position):
        ...
```
"""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self

import httpx

from .access_log import AccessLog
from .attachments import Attachments
from .attestations import Attestations
from .blocking import BlockingDriver
from .break_glass import BreakGlass
from .consents import Consents
from .credentials import Credentials
from .directory import Directory
from .events import Events
from .follow_ups import FollowUps
from .handovers import Handovers
from .manifests import Manifests
from .notices import Notices
from .pathways import Pathways
from .plan import Blocking, Driver, M_co, Waiting
from .referrals import Referrals
from .returnees import Returnees
from .sealed_records import SealedRecords
from .services import Services
from .session import OnRetry, Session
from .settings import ClientSettings
from .splits import Splits
from .statistics import Statistics
from .status import StatusQuestions
from .tokens import Tokens
from .vocabularies import Vocabularies
from .waiting import WaitingDriver
from .webhooks import Webhooks
from .withdrawal_requests import WithdrawalRequests


class _Services(Generic[M_co]):
    """What a node offers, noun by noun.

    Attributes:
        referrals: Submit, read, answer.
        splits: Families that go on in two parts, for somebody's safety.
        sealed_records: What is written down beside a referral, for one's own unit alone.
        break_glass: Another unit's referral, opened in an emergency, and its review.
        access_log: Who read which record when.
        attachments: Files that go along with them.
        consents: Record, read, withdraw, and what became of a withdrawal.
        withdrawal_requests: Withdrawals by whoever holds the paper.
        notices: The register of what is read to her before she consents.
        follow_ups: Ask how somebody is after her return, and carry that out.
        handovers: Somebody was brought: say so, and see who was.
        returnees: Records of people who return.
        manifests: Lists of them, posted whole.
        attestations: What is attested to persons, shown as they choose.
        events: What happened, in order.
        statistics: Figures of periods that are over, one's own and of watched routes.
        status: A referral's state, by the code that its person carries.
        directory: Who is on the network, and whose key is trusted.
        services: Who can take somebody now, and what one's own institution does.
        pathways: The routes that the node knows.
        vocabularies: Code lists with labels, to build forms on.
        webhooks: Being told of events.
    """

    def __init__(
        self,
        driver: Driver,
        settings: ClientSettings,
        credentials: Credentials,
        clock: Callable[[], float],
        on_retry: OnRetry | None,
    ) -> None:
        self.settings = settings
        session = Session(settings, Tokens(settings, credentials, clock), clock, on_retry)
        self.referrals: Referrals[M_co] = Referrals(driver, session)
        self.splits: Splits[M_co] = Splits(driver, session)
        self.sealed_records: SealedRecords[M_co] = SealedRecords(driver, session)
        self.break_glass: BreakGlass[M_co] = BreakGlass(driver, session)
        self.access_log: AccessLog[M_co] = AccessLog(driver, session)
        self.attachments: Attachments[M_co] = Attachments(driver, session)
        self.consents: Consents[M_co] = Consents(driver, session)
        self.withdrawal_requests: WithdrawalRequests[M_co] = WithdrawalRequests(driver, session)
        self.notices: Notices[M_co] = Notices(driver, session)
        self.follow_ups: FollowUps[M_co] = FollowUps(driver, session)
        self.handovers: Handovers[M_co] = Handovers(driver, session)
        self.returnees: Returnees[M_co] = Returnees(driver, session)
        self.manifests: Manifests[M_co] = Manifests(driver, session)
        self.attestations: Attestations[M_co] = Attestations(driver, session)
        self.events: Events[M_co] = Events(driver, session)
        self.statistics: Statistics[M_co] = Statistics(driver, session)
        self.status: StatusQuestions[M_co] = StatusQuestions(driver, session)
        self.directory: Directory[M_co] = Directory(driver, session)
        self.services: Services[M_co] = Services(driver, session)
        self.pathways: Pathways[M_co] = Pathways(driver, session)
        self.vocabularies: Vocabularies[M_co] = Vocabularies(driver, session)
        self.webhooks: Webhooks[M_co] = Webhooks(driver, session)


class Relevo(_Services[Blocking]):
    """A node, for a system that waits for each answer. Safe to use from several threads.

    Args:
        profile: A TOML file with settings; see `settings.py`.
        node: The node's base URL.
        client: The client's name.
        key: File of its private key.
        on_retry: Told why something is tried again, and after how many seconds.
        transport: Another way to send requests than over the network.
        clock: Seconds of a clock that never goes back.
        **settings: Any other attribute of `ClientSettings`.

    Raises:
        SettingsError: Node, client or key are missing or cannot be used.
    """

    def __init__(
        self,
        profile: Path | str | None = None,
        *,
        node: str | None = None,
        client: str | None = None,
        key: Path | str | None = None,
        on_retry: OnRetry | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        **settings: Any,
    ) -> None:
        loaded = ClientSettings.load(profile, node=node, client=client, key=key, **settings)
        credentials = Credentials(loaded.client, loaded.key)
        self._driver = BlockingDriver(loaded, transport)
        super().__init__(self._driver, loaded, credentials, clock, on_retry)

    def close(self) -> None:
        """Ends its connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncRelevo(_Services[Waiting]):
    """A node, for a system on an event loop. Arguments and errors are those of `Relevo`."""

    def __init__(
        self,
        profile: Path | str | None = None,
        *,
        node: str | None = None,
        client: str | None = None,
        key: Path | str | None = None,
        on_retry: OnRetry | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        **settings: Any,
    ) -> None:
        loaded = ClientSettings.load(profile, node=node, client=client, key=key, **settings)
        credentials = Credentials(loaded.client, loaded.key)
        self._driver = WaitingDriver(loaded, transport)
        super().__init__(self._driver, loaded, credentials, clock, on_retry)

    async def aclose(self) -> None:
        """Ends its connections."""
        await self._driver.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
