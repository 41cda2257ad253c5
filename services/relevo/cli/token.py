"""`relevo token`: an access token on standard output, for curl."""

import asyncio
from pathlib import Path
from typing import Annotated

import httpx
import typer

from relevo.contracts.scopes import Scope
from relevo.servicekit import jose
from relevo.servicekit.clock import SystemClock
from relevo.servicekit.oauth_client import TokenSource

from .output import MARKUP, say

app = typer.Typer(rich_markup_mode=MARKUP)


@app.command()
def token(
    issuer: Annotated[str, typer.Option(help="Base URL of the node or gateway.")],
    client_id: Annotated[str, typer.Option("--client", help="The client's name at that issuer.")],
    key: Annotated[Path, typer.Option(help="The client's private key.")],
    scope: Annotated[list[Scope], typer.Option(help="What the token may do; repeat for more.")],
) -> None:
    """Print an access token, for use with curl. It lives five minutes."""
    say(asyncio.run(_token(issuer.rstrip("/"), client_id, key, scope)))


async def _token(issuer: str, client_id: str, key: Path, scopes: list[Scope]) -> str:
    async with httpx.AsyncClient(timeout=15) as http:
        source = TokenSource(
            issuer=issuer,
            client_id=client_id,
            key=jose.load_key(key),
            http=http,
            clock=SystemClock(),
        )
        return (await source.get(issuer, scopes)).value
