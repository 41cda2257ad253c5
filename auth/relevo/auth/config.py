"""Settings of one issuer: environment variables `RELEVO_AUTH_…` or a TOML file."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from relevo.servicekit.settings import ServiceSettings


class AuthSettings(ServiceSettings):
    """`base_url` is the issuer identifier: the base URL of the service it stands beside."""

    model_config = SettingsConfigDict(env_prefix="RELEVO_AUTH_")

    purge_seconds: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="How often used assertion ids that expired are forgotten.",
    )
