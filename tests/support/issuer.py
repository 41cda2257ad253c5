"""An issuer that says whatever a test wants, right or wrong."""

import json
import uuid
from datetime import timedelta
from typing import Any

from joserfc.jwk import OKPKey

from relevo.servicekit import jose
from relevo.servicekit.clock import FixedClock

ISSUER = "https://issuer.example"
AUDIENCE = "https://node.example"


class Issuer:
    """Signs tokens and publishes statements; `fetch` is what a verifier gets them with."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.key = jose.generate_signing_key()
        self.keys = [self.key]
        self.revoked: list[str] = []
        self.suspended: list[str] = []
        self.resumed: dict[str, int] = {}
        self.down = False
        self.fetched: list[str] = []
        self.statement_claims: dict[str, Any] = {}

    async def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if self.down:
            raise ConnectionError("down")
        if url.endswith("/oauth/jwks"):
            return json.dumps({"keys": [jose.public_jwk(key) for key in self.keys]}).encode()
        claims = {
            "iss": ISSUER,
            "iat": int(self.clock.now.timestamp()),
            "revoked_jtis": self.revoked,
            "suspended_clients": self.suspended,
            "resumed_clients": self.resumed,
            **self.statement_claims,
        }
        return jose.sign(claims, self.key, typ="relevo-revocations+jwt").encode()

    def token(
        self,
        *,
        key: OKPKey | None = None,
        typ: str = "at+jwt",
        bound_to: OKPKey | None = None,
        **changes: Any,
    ) -> str:
        now = self.clock.now
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": "case-system",
            "aud": AUDIENCE,
            "exp": int((now + timedelta(seconds=300)).timestamp()),
            "iat": int(now.timestamp()),
            "jti": str(uuid.uuid4()),
            "client_id": "case-system",
            "institution": "mx.albergue-tapachula",
            "mandates": ["reception"],
            "scope": "referrals:submit referrals:read",
        }
        if bound_to is not None:
            claims["cnf"] = {"jkt": jose.thumbprint(bound_to)}
        claims.update(changes)
        claims = {name: value for name, value in claims.items() if value is not None}
        return jose.sign(claims, key or self.key, typ=typ)
