"""How this gateway calls others: as its own client, with tokens of the other's issuer, DPoP-bound."""

import httpx
from joserfc.jwk import OKPKey

from relevo.servicekit.clock import Clock
from relevo.servicekit.http_client import ServiceClient, outbound_http
from relevo.servicekit.oauth_client import TokenSource


class Outbound:
    """One client per base URL; all of them share connections.

    Args:
        client_id: This gateway's id, its name at every issuer.
        key: Its client key, which also binds the tokens.
        clock: Its security time counts.
        http: A test's own; one is made here otherwise.
        allow_private: Whether others may live at private addresses.
        proxy: The outbound proxy.
    """

    def __init__(
        self,
        *,
        client_id: str,
        key: OKPKey,
        clock: Clock,
        http: httpx.AsyncClient | None = None,
        allow_private: bool = False,
        proxy: str | None = None,
    ) -> None:
        self._client_id = client_id
        self._key = key
        self._clock = clock
        self._allow_private = allow_private
        self._owns_http = http is None
        self.http = http or outbound_http(allow_private=allow_private, proxy=proxy)
        self._services: dict[tuple[str, float], ServiceClient] = {}

    def service(self, base_url: str, *, deadline_seconds: float = 20.0) -> ServiceClient:
        """A client of the service at a base URL, whose issuer stands beside it."""
        base_url = base_url.rstrip("/")
        key = (base_url, deadline_seconds)
        if key not in self._services:
            tokens = TokenSource(
                issuer=base_url,
                client_id=self._client_id,
                key=self._key,
                http=self.http,
                clock=self._clock,
                dpop_key=self._key,
            )
            self._services[key] = ServiceClient(
                tokens,
                http=self.http,
                allow_private=self._allow_private,
                deadline_seconds=deadline_seconds,
            )
        return self._services[key]

    async def aclose(self) -> None:
        if self._owns_http:
            await self.http.aclose()
