"""What a gateway is told when it starts. `docs/reference/configuration.md` is made from here."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from relevo.contracts.identifiers import Country, GatewayId
from relevo.contracts.statistics_periods import PeriodKind
from relevo.servicekit.settings import BesideIssuerSettings


class GatewaySettings(BesideIssuerSettings):
    """Settings of a gateway; environment variables begin with `RELEVO_GATEWAY_`."""

    model_config = SettingsConfigDict(env_prefix="RELEVO_GATEWAY_")

    gateway: GatewayId = Field(description="This gateway's name, such as gateway.gt.")
    countries: Annotated[list[Country], Field(min_length=1, max_length=40)] = Field(
        description="Countries whose institutions are at home here, as a JSON list."
    )
    policy_directory: Path | None = Field(
        default=None,
        description="Further Cedar policies (*.cedar) that stand beside the built-in ones.",
    )
    pathway_directory: Path | None = Field(
        default=None,
        description="Further pathways (*.toml) that stand beside the built-in ones.",
    )
    directory_cache_seconds: int = Field(
        default=300,
        ge=1,
        le=300,
        description="Age at which a peer's directory entry is asked again.",
    )
    directory_validity_hours: int = Field(
        default=24, ge=1, le=720, description="How long a directory entry signed here is believed."
    )
    service_confirmation_days: int = Field(
        default=365, ge=30, le=1095,
        description="Age at which what nobody confirmed of a service counts as stale.",
    )  # fmt: skip
    service_cache_seconds: int = Field(
        default=60, ge=0, le=300,
        description="How long a peer's answer about services is given again without asking.",
    )  # fmt: skip
    grant_cache_seconds: int = Field(
        default=300, ge=1, le=300, description="Age at which a grant's status is asked again."
    )
    red_hold_seconds: int = Field(
        default=900, ge=0, le=86_400,
        description="How long a red message is held for want of a grant's status before it goes out flagged.",
    )  # fmt: skip
    lease_seconds: int = Field(
        default=30, ge=10, le=600, description="Time a delivery attempt has before others may try."
    )
    mailbox_lease_seconds: int = Field(
        default=60, ge=10, le=600,
        description="Time an institution has to acknowledge what it fetched before it comes again.",
    )  # fmt: skip
    receipt_patience_seconds: float = Field(
        default=0.1, ge=0, le=10,
        description="How long receipts wait for a message to the same place, to travel with it.",
    )  # fmt: skip
    retry_cap_seconds: float = Field(
        default=15.0, ge=0.1, le=300, description="Longest pause between delivery attempts."
    )
    refusals_before_dead: int = Field(
        default=240, ge=1, le=10_000,
        description="Attempts that the other side refused outright before a delivery waits for a person.",
    )  # fmt: skip
    status_queries_per_minute: int = Field(
        default=60, ge=1, le=10_000,
        description="Status queries answered per asking institution and minute.",
    )  # fmt: skip
    statistics_period: PeriodKind = Field(
        default="month",
        description="The shortest period that has statistics. Longer ones are its sums.",
    )
    statistics_settling_days: int = Field(
        default=30, ge=0, le=90,
        description="Days after a period until its figures are counted, so that answers are in.",
    )  # fmt: skip
    statistics_minimum: int = Field(
        default=5, ge=5, le=100,
        description="The smallest group that statistics show. Sealed routes show none below ten.",
    )  # fmt: skip
    witness_seconds: float = Field(
        default=60.0, ge=0.1, le=3600, description="How often peers' ledgers are looked at."
    )
