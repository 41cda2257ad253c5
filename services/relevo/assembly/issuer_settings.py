"""The issuer beside a service needs no file of its own: what it must know follows from the service.

Its name is the service's base URL, its keys lie in the service's key directory, and its database is
the service's with `auth` in the name, unless `issuer_database_url` says otherwise.
"""

from pathlib import PurePath

from sqlalchemy.engine import make_url

from relevo.auth.config import AuthSettings
from relevo.servicekit.settings import BesideIssuerSettings


def issuer_settings(service: BesideIssuerSettings) -> AuthSettings:
    """Settings of the issuer that stands beside this service."""
    return AuthSettings(
        database_url=service.issuer_database_url or database_beside(service.database_url),
        base_url=service.base_url,
        host=service.host,
        port=service.port,
        log_level=service.log_level,
        production=service.production,
        sandbox_clock_file=service.sandbox_clock_file,
        key_directory=service.key_directory,
    )


def database_beside(url: str) -> str:
    """`node.db` → `node-auth.db`; the PostgreSQL database `relevo` → `relevo_auth`."""
    target = make_url(url)
    name = target.database or ""
    if target.get_backend_name() == "sqlite":
        path = PurePath(name)
        name = str(path.with_name(f"{path.stem}-auth{path.suffix}"))
    else:
        name = f"{name}_auth"
    return target.set(database=name).render_as_string(hide_password=False)
