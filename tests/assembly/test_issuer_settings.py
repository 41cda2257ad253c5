from pathlib import Path

import pytest

from relevo.assembly.issuer_settings import database_beside, issuer_settings
from relevo.node.config import NodeSettings


@pytest.mark.parametrize(
    ("service", "issuer"),
    [
        ("sqlite:////srv/relevo/node.db", "sqlite:////srv/relevo/node-auth.db"),
        ("postgresql://relevo@db/relevo", "postgresql://relevo@db/relevo_auth"),
        (
            "postgresql+psycopg://relevo:secret@db/relevo?sslmode=require",
            "postgresql+psycopg://relevo:secret@db/relevo_auth?sslmode=require",
        ),
    ],
)
def test_the_issuers_database_stands_beside_the_services(service: str, issuer: str) -> None:
    assert database_beside(service) == issuer


def a_node(folder: Path) -> NodeSettings:
    return NodeSettings(
        institution="gt.igm",
        base_url="https://node.igm.example",
        database_url=f"sqlite:///{folder / 'node.db'}",
        data_key_database_url=f"sqlite:///{folder / 'keys.db'}",
        key_directory=folder / "keys",
        production=True,
        log_level="WARNING",
    )


def test_an_issuer_takes_everything_from_the_service_it_stands_beside(tmp_path: Path) -> None:
    node = a_node(tmp_path)
    auth = issuer_settings(node)
    assert auth.database_url == f"sqlite:///{tmp_path / 'node-auth.db'}"
    for name in ("base_url", "key_directory", "production", "log_level", "host", "port"):
        assert getattr(auth, name) == getattr(node, name), name


def test_a_service_may_name_another_database_for_its_issuer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELEVO_NODE_ISSUER_DATABASE_URL", "postgresql://relevo@db/issuer")
    assert issuer_settings(a_node(tmp_path)).database_url == "postgresql://relevo@db/issuer"
