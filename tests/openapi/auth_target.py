"""An issuer with a client, and an administrator who may do everything to it."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from relevo.auth.domain.private_key_jwt import ASSERTION_TYPE
from relevo.contracts.scopes import Scope
from relevo.servicekit import jose
from relevo.servicekit.database import Database
from tests.auth.builders import ISSUER, World, a_world
from tests.openapi.targets import Target, bearer
from tests.support.serving import HOST, served


@contextlib.contextmanager
def an_issuer(folder: Path) -> Iterator[Target]:
    with contextlib.closing(Database(f"sqlite:///{folder / 'auth.db'}")) as database:
        world = a_world(database, folder)
        numbers = itertools.count()
        tokens: list[str] = []

        def furnish() -> dict[str, str]:
            known, number = world.client_id.partition("~")[0], next(numbers)
            world.client_id = f"{known}~{number}"
            world.register(client_id=world.client_id)
            # Somebody new too, since one administrator may well suspend another.
            tokens.append(_administrator(world, f"admin~{number}"))
            other = "mx.albergue-tapachula.reports"
            return {known: world.client_id, other: f"{other}~{number}"}

        with served(world.app) as port:
            yield Target(
                service="auth",
                url=f"http://{HOST}:{port}",
                database=database,
                furnish=furnish,
                credentials=lambda *_: bearer(tokens[-1]),
                renewed=lambda body: _with_assertion(world, body),
            )


def _administrator(world: World, name: str) -> str:
    key = jose.generate_signing_key()
    world.register(key, client_id=name, scopes=[Scope.CLIENTS_ADMIN], audiences=[ISSUER])
    answer = asyncio.run(world.ask(world.form(world.assertion(key, iss=name, sub=name))))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def _with_assertion(world: World, body: Any) -> Any:
    # An assertion counts once, so no example in a document can hold one.
    if not isinstance(body, dict) or body.get("client_assertion_type") != ASSERTION_TYPE:
        return body
    if not isinstance(body.get("client_assertion"), str):
        return body
    return {**body, "client_assertion": world.assertion()}
