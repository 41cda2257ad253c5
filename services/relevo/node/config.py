"""What a node is told when it starts. `docs/reference/configuration.md` is made from here."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from relevo.contracts.identifiers import InstitutionId, PartyId
from relevo.contracts.statistics_periods import PeriodKind
from relevo.servicekit.settings import BesideIssuerSettings


class NodeSettings(BesideIssuerSettings):
    """Settings of a node; environment variables begin with `RELEVO_NODE_`."""

    model_config = SettingsConfigDict(env_prefix="RELEVO_NODE_")

    institution: InstitutionId = Field(description="The institution that this node belongs to.")
    delivery: Literal["push", "mailbox"] = Field(
        default="push",
        description="Whether the gateway delivers to base_url, or the node fetches what is for it and needs "
        "no open port: base_url is then for the institution's own systems alone.",
    )
    data_key_database_url: str = Field(
        repr=False,
        description="Database of the keys that seal personal data. Back it up apart from database_url.",
    )
    pinning: Literal["confirmed", "first_use"] = Field(
        default="confirmed",
        description="Whether an institution's identity key must be confirmed by a person before anything "
        "is sent to it, or is trusted when first seen.",
    )
    directory_cache_seconds: int = Field(
        default=60, ge=5, le=3600, description="Age at which a directory entry is asked for again."
    )
    child_protection_authority: PartyId | None = Field(
        default=None,
        description="The authority that is told at once of every unaccompanied or separated child that is "
        "referred from here: that of the country where the children are.",
    )
    child_protection_alternate: PartyId | None = Field(
        default=None,
        description="Who is told instead when that authority is implicated, or does not look at a notice "
        "within its clock.",
    )
    child_protection_law: str | None = Field(
        default=None,
        max_length=200,
        description="The law that a notice names; default: that of the authority's country.",
    )
    pathway_directory: Path | None = Field(
        default=None,
        description="Further pathways (*.toml) that stand beside the built-in ones.",
    )
    max_attachment_bytes: int = Field(
        default=10 * 1024 * 1024,
        ge=64 * 1024,
        le=50 * 1024 * 1024,
        description="Largest file that the institution's own systems may upload.",
    )
    manifest_retention_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days for which what became of each row of a list of returnees is kept, once the list is "
        "read. The list's counts and the records that it made stay.",
    )
    statistics_period: PeriodKind = Field(
        default="quarter",
        description="The shortest period that has statistics. Longer ones are its sums.",
    )
    statistics_settling_days: int = Field(
        default=30,
        ge=0,
        le=90,
        description="Days after a period until its figures are counted, so that answers and late entries are in.",
    )
    statistics_minimum: int = Field(
        default=5,
        ge=5,
        le=100,
        description="The smallest group that statistics show. Sealed routes show none below ten.",
    )
    master_key_file: Path | None = Field(
        default=None,
        description="File of the key that wraps the data keys; default in key_directory.",
    )

    @property
    def master_key_path(self) -> Path:
        """Where the key that wraps all data keys is kept."""
        return self.master_key_file or self.key_directory / "master.key"
