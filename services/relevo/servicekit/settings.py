"""Settings come from the environment or a TOML file, and a misspelled one refuses to start."""

import difflib
import os
import tomllib
from collections.abc import Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from typing_extensions import override

_CONFIG = "CONFIG"
_file_of_this_load: ContextVar[Path | None] = ContextVar("relevo_settings_file", default=None)


class InvalidSettingsError(ValueError):
    """The service must not start. Names settings, never their values: some are secrets."""


class ServiceSettings(BaseSettings):
    """What every service is told. A subclass names its prefix: `env_prefix="RELEVO_NODE_"`.

    The environment wins over the file, which `<PREFIX>CONFIG` names.
    """

    model_config = SettingsConfigDict(
        env_prefix="RELEVO_",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    database_url: str = Field(
        repr=False,
        description="sqlite:////path/file.db or postgresql://user@host/name.",
    )
    base_url: str = Field(
        description="How others reach this service: scheme, host and port, no path."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe level that is logged."
    )
    production: bool = Field(
        default=False, description="Real people's data: refuses test messages and moved clocks."
    )
    outbound_proxy: str | None = Field(
        default=None, repr=False, description="HTTP proxy for calls to other services."
    )
    allow_private_addresses: bool = Field(
        default=False,
        description="Whether URLs given by others may lead to private addresses, or be http.",
    )
    sandbox_clock_file: Path | None = Field(
        default=None, description="Offset of the business clock in seconds; sandbox only."
    )
    key_directory: Path = Field(description="Where this service's private keys are kept.")

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Settings from the environment and a file.

        Raises:
            InvalidSettingsError: A setting is missing, wrong or unknown; says which, without values.
        """
        token = _file_of_this_load.set(path)
        try:
            return cls()
        except ValidationError as error:
            raise InvalidSettingsError(_explain(cls, error)) from None
        finally:
            _file_of_this_load.reset(token)

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        _refuse_unknown_variables(settings_cls, os.environ)
        file = InitSettingsSource(settings_cls, _read_file(settings_cls))
        return init_settings, env_settings, file

    @field_validator("base_url")
    @classmethod
    def _plain_base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http or https URL")
        if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username:
            raise ValueError("must be scheme, host and port only")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        if self.production:
            if self.sandbox_clock_file is not None:
                raise ValueError("sandbox_clock_file cannot be set in production")
            if not self.base_url.startswith("https://"):
                raise ValueError("base_url must be https in production")
        return self


class BesideIssuerSettings(ServiceSettings):
    """Of a service that has an issuer of tokens beside it, in its own process."""

    issuer_database_url: str | None = Field(
        default=None,
        repr=False,
        description="Database of the issuer beside it; by default database_url with `auth` in its name: "
        "node.db and node-auth.db, relevo and relevo_auth.",
    )


def _prefix(settings_cls: type[BaseSettings]) -> str:
    return str(settings_cls.model_config.get("env_prefix", ""))


def _nearest(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)
    return found[0] if found else ""


def _refuse_unknown_variables(settings_cls: type[BaseSettings], environ: Iterable[str]) -> None:
    prefix = _prefix(settings_cls).upper()
    known = {prefix + name.upper() for name in settings_cls.model_fields} | {prefix + _CONFIG}
    for variable in sorted(environ):
        if variable.upper().startswith(prefix) and variable.upper() not in known:
            raise InvalidSettingsError(
                f"{variable} is no setting. The nearest is {_nearest(variable.upper(), known)}."
            )


def _read_file(settings_cls: type[BaseSettings]) -> dict[str, Any]:
    named = os.environ.get(_prefix(settings_cls) + _CONFIG)
    path = _file_of_this_load.get() or (Path(named) if named else None)
    if path is None:
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidSettingsError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InvalidSettingsError(f"{path} is not TOML in UTF-8") from None
    known = settings_cls.model_fields
    for name in values:
        if name not in known:
            raise InvalidSettingsError(
                f"{name} in {path} is no setting. The nearest is {_nearest(name, known)}."
            )
    return values


def _explain(settings_cls: type[BaseSettings], error: ValidationError) -> str:
    prefix = _prefix(settings_cls).upper()
    lines = []
    for item in error.errors(include_input=False, include_context=False, include_url=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        lines.append(f"{prefix}{name.upper()}: {item['msg']}" if name else item["msg"])
    return "; ".join(lines)
