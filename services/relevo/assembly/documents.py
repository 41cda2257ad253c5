"""The OpenAPI documents of the services, made from applications that never run."""

import asyncio
import json
import tempfile
from functools import cache
from pathlib import Path

from fastapi import FastAPI

from relevo.auth import main as auth_main
from relevo.auth.config import AuthSettings
from relevo.gateway import main as gateway_main
from relevo.gateway.config import GatewaySettings
from relevo.gateway.operations import keys as gateway_keys
from relevo.node import main as node_main
from relevo.node.config import NodeSettings
from relevo.node.operations import join as joining
from relevo.servicekit.clock import SystemClock
from relevo.servicekit.openapi import openapi_document


@cache
def documents() -> dict[str, str]:
    """Name to JSON text, the same to the byte whenever the code is the same."""
    with tempfile.TemporaryDirectory(prefix="relevo-openapi-") as folder:
        return asyncio.run(_documents(Path(folder)))


async def _documents(folder: Path) -> dict[str, str]:
    apps = {"auth": _auth(folder), "gateway": _gateway(folder), "node": _node(folder)}
    found = {}
    for name, app in apps.items():
        # Started once, because only that closes what making it opened.
        async with app.router.lifespan_context(app):
            document = openapi_document(app)
        found[name] = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    return found


def _auth(folder: Path) -> FastAPI:
    settings = AuthSettings(
        database_url=f"sqlite:///{folder / 'auth.db'}",
        base_url="https://node.example",
        key_directory=folder / "auth",
    )
    return auth_main.create_app(settings)


def _gateway(folder: Path) -> FastAPI:
    settings = GatewaySettings(
        database_url=f"sqlite:///{folder / 'gateway.db'}",
        base_url="https://gateway.example",
        key_directory=folder / "gateway",
        gateway="gateway.gt",
        countries=["GT"],
    )
    gateway_keys.init(settings, now=SystemClock().security())
    return gateway_main.create_app(settings)


def _node(folder: Path) -> FastAPI:
    settings = NodeSettings(
        database_url=f"sqlite:///{folder / 'node.db'}",
        data_key_database_url=f"sqlite:///{folder / 'keys.db'}",
        base_url="https://node.example",
        key_directory=folder / "node",
        institution="gt.igm",
    )
    joining.make_keys(settings)
    return node_main.create_app(settings)
