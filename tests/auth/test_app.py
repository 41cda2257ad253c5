from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, create_engine, inspect

from relevo.auth.config import AuthSettings
from relevo.auth.domain.metadata import IssuerMetadata
from relevo.auth.main import PACKAGE, create_app
from relevo.auth.operations import clients
from relevo.auth.operations.context import open_issuer
from relevo.auth.storage.tables import metadata
from relevo.servicekit import jose
from relevo.servicekit.clock import SystemClock
from relevo.servicekit.database import Database
from relevo.servicekit.migrations import upgrade
from relevo.servicekit.oauth_client import TokenSource
from relevo.servicekit.settings import InvalidSettingsError
from tests.auth.builders import ISSUER, World, a_registration


@pytest.mark.asyncio
async def test_metadata_names_every_endpoint(world: World) -> None:
    answer = await world.get("/.well-known/oauth-authorization-server")
    found = IssuerMetadata.model_validate(answer.json())
    assert found.issuer == ISSUER
    assert found.token_endpoint_auth_methods_supported == ["private_key_jwt"]
    assert found.token_endpoint_auth_signing_alg_values_supported == ["Ed25519", "EdDSA"]
    assert found.grant_types_supported == ["client_credentials"]
    offered = world.app.openapi()["paths"]
    for url in (
        found.token_endpoint,
        found.jwks_uri,
        found.revocation_endpoint,
        found.revocations_uri,
    ):
        assert url.removeprefix(ISSUER) in offered


@pytest.mark.asyncio
async def test_the_services_own_client_gets_tokens_here(world: World) -> None:
    world.register(client_id="service", dpop_bound_access_tokens=True)
    async with world.http() as http:
        source = TokenSource(
            issuer=ISSUER,
            client_id="service",
            key=world.key,
            http=http,
            clock=world.clock,
            dpop_key=jose.generate_signing_key(),
        )
        token = await source.get(ISSUER, ["referrals:submit"])
    assert token.bound
    assert jose.peek(token.value)[1]["scope"] == "referrals:submit"


def test_the_migration_makes_the_tables_of_the_code(database: Database) -> None:
    upgrade(database, PACKAGE)
    made = _columns(database.engine)
    expected = create_engine("sqlite://")
    metadata.create_all(expected)
    assert {table: made[table] for table in metadata.tables} == _columns(expected)
    expected.dispose()


def _columns(engine: Engine) -> dict[str, set[tuple[str, bool, bool]]]:
    seen = inspect(engine)
    return {
        table: {
            (
                column["name"],
                bool(column["nullable"]),
                column["name"] in seen.get_pk_constraint(table)["constrained_columns"],
            )
            for column in seen.get_columns(table)
        }
        | {(str(index["name"]), False, False) for index in seen.get_indexes(table)}
        for table in seen.get_table_names()
    }


@pytest.mark.asyncio
async def test_an_issuer_opens_and_closes_its_own_database(tmp_path: Path) -> None:
    settings = AuthSettings(
        database_url=f"sqlite:///{tmp_path / 'auth.db'}",
        base_url=ISSUER,
        key_directory=tmp_path / "keys",
    )
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=ISSUER) as http,
    ):
        assert (await http.get("/livez")).status_code == 200
        unready = await http.get("/readyz")
        assert unready.status_code == 503
        assert unready.json()["checks"] == ["database", "migrations"]
        upgrade(app.state.auth.issuer.database, PACKAGE)
        ready = await http.get("/readyz")
        assert ready.json()["checks"] == ["database", "migrations", "workers"], ready.text


def test_the_command_line_works_without_http(tmp_path: Path) -> None:
    settings = AuthSettings(
        database_url=f"sqlite:///{tmp_path / 'auth.db'}",
        base_url=ISSUER,
        key_directory=tmp_path / "keys",
    )
    with open_issuer(settings, clock=SystemClock()) as issuer:
        upgrade(issuer.database, PACKAGE)
        clients.add_client(issuer, a_registration(jose.generate_signing_key()), by="root")
        clients.suspend_client(issuer, "mx.albergue-tapachula.cases", by="root")
        (client,) = clients.list_clients(issuer)
        assert client.state == "suspended"


def test_a_misspelled_setting_refuses_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RELEVO_AUTH_BASE_ULR", ISSUER)
    with pytest.raises(InvalidSettingsError, match="RELEVO_AUTH_BASE_URL"):
        AuthSettings.load()


def test_every_operation_is_described_with_an_example(world: World) -> None:
    document = world.app.openapi()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            if path.startswith(("/oauth", "/.well-known")):
                assert operation["description"], where
                success = next(
                    answer for status, answer in operation["responses"].items() if status < "300"
                )
                for content in success.get("content", {}).values():
                    assert "example" in content or "examples" in content, where
            if "requestBody" in operation:
                for content in operation["requestBody"]["content"].values():
                    assert "example" in content, where
            if path.startswith("/oauth/clients"):
                assert operation["security"] == [{"oauth2": ["clients:admin"]}], where
