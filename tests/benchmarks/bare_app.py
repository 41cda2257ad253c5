"""A FastAPI application that checks a token, reads the body and does nothing: what HTTP alone costs.

`python -m tests.benchmarks.bare_app PORT KEYFILE` serves it as our services are served.
"""

import asyncio
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import httpx
import uvloop
from fastapi import FastAPI, Request
from joserfc.jwk import OKPKey

from relevo.contracts.scopes import Scope
from relevo.sandbox.ports import free_port
from relevo.servicekit import jose
from relevo.servicekit.access_token import Caller, TokenVerifier
from relevo.servicekit.clock import SystemClock
from relevo.servicekit.logging import configure_logging
from relevo.servicekit.require_scope import require
from relevo.servicekit.server import serve

_AUDIENCE: Final = "http://bare.example"


def _token(key: OKPKey) -> str:
    now = int(time.time())
    claims = {
        "iss": _AUDIENCE,
        "sub": "bare",
        "aud": _AUDIENCE,
        "exp": now + 300,
        "iat": now,
        "jti": str(uuid.uuid4()),
        "client_id": "bare",
        "institution": "mx.bare",
        "scope": Scope.MESSAGES_SEND.value,
    }
    return jose.sign(claims, key, typ="at+jwt")


def _application(key: OKPKey) -> FastAPI:
    app = FastAPI()

    async def fetch(url: str) -> bytes:
        if url.endswith("/oauth/jwks"):
            return json.dumps({"keys": [jose.public_jwk(key)]}).encode()
        claims = {
            "iss": _AUDIENCE,
            "iat": int(time.time()),
            "revoked_jtis": [],
            "suspended_clients": [],
            "resumed_clients": {},
        }
        return jose.sign(claims, key, typ="relevo-revocations+jwt").encode()

    app.state.token_verifier = TokenVerifier(
        issuer=_AUDIENCE, audience=_AUDIENCE, fetch=fetch, clock=SystemClock()
    )

    @app.post("/")
    async def post(
        request: Request, caller: Annotated[Caller, require(Scope.MESSAGES_SEND)]
    ) -> dict[str, int]:
        return {caller.client_id: len(await request.body())}

    return app


@contextmanager
def a_bare_application(folder: Path) -> Iterator[tuple[int, int, str]]:
    """Its port, its process, and a token for it."""
    key_file, port = folder / "bare.jwk", free_port()
    key = jose.generate_signing_key()
    jose.save_key(key_file, key)
    command = [sys.executable, "-m", "tests.benchmarks.bare_app", str(port), str(key_file)]
    with subprocess.Popen(command) as process:
        try:
            _wait(port)
            yield port, process.pid, _token(key)
        finally:
            process.terminate()


def _wait(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with suppress(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
            return
        time.sleep(0.05)
    raise TimeoutError("the bare application did not start")


if __name__ == "__main__":
    configure_logging("bare", "WARNING")
    served = _application(jose.load_key(Path(sys.argv[2])))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(served, host="127.0.0.1", port=int(sys.argv[1])))
