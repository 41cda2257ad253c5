"""The issuer beside a service needs no file of its own: what it must know follows from the service.

Its name is the service's base URL, its keys lie in the service's key directory, and its database is
the service's with `auth` in the name, unless `RELEVO_AUTH_DATABASE_URL` says otherwise.
"""

import os
from pathlib import PurePath
from typing import Final

from sqlalchemy.engine import make_url

from relevo.auth.config import AuthSettings
from relevo.servicekit.settings import ServiceSettings

DATABASE_VARIABLE: Final = "RELEVO_AUTH_DATABASE_URL"


def issuer_settings(service: ServiceSettings, *, database_url: str | None = None) -> AuthSettings:
    """Settings of the issuer that stands beside this service."""
    chosen = database_url or os.environ.get(DATABASE_VARIABLE)
    return AuthSettings(
        database_url=chosen or database_beside(service.database_url),
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
