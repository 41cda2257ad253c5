"""What an institution attests to persons: issued, handed over with what they choose to show, revoked."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import TypeAdapter
from typing_extensions import override

from relevo.contracts.attestation import (
    AttestationRecord,
    Presentation,
    RevocationReason,
    TrustedIssuers,
)

from .call import Call, path
from .plan import M_co, Plan, operation
from .requests import Input, Requests, new_key


@dataclass(frozen=True)
class _PageCall(Call[bytes]):
    """A call whose answer is the page itself."""

    @override
    def read(self, content: bytes) -> bytes:
        return content


class Attestations(Requests[M_co]):
    """Attestations of this institution."""

    @operation
    def issue(self, asked: Input, *, key: str | None = None) -> Plan[AttestationRecord]:
        """Attests what a record shows.

        Args:
            asked: Type, and the returnee, referral or consent that it is about.
            key: The same for the same request, and it is issued once.

        Raises:
            NotFoundError: No such record, or not yours.
            RelevoProblemError: `nothing_to_attest`: the record does not show it.
        """
        return self._post(AttestationRecord, "attestations", value=asked, key=key or new_key())

    @operation
    def get(self, attestation_id: str) -> Plan[AttestationRecord]:
        """Where it stands and what it can show, without the values.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        return self._get(AttestationRecord, "attestations", attestation_id)

    @operation
    def present(
        self, attestation_id: str, *, show: Collection[str] | None = None
    ) -> Plan[Presentation]:
        """What its holder hands over.

        Args:
            attestation_id: Of one of this institution's.
            show: The claims that she chose; the least unless given, nothing when empty.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        target = path("attestations", attestation_id, "presentation") + _query("show", _said(show))
        return self._session.perform(Call("GET", target, TypeAdapter(Presentation)))

    @operation
    def print(self, attestation_id: str, *, show: Collection[str] | None = None) -> Plan[bytes]:
        """A page to print, as PDF: what she chose, in words and as a signed code.

        Raises:
            NotFoundError: Absent, or not yours.
            InvalidInputError: It does not hold that, or it is too much for one code.
        """
        target = path("attestations", f"{attestation_id}.pdf") + _query("show", _said(show))
        return self._session.perform(_PageCall("GET", target, TypeAdapter(bytes)))

    @operation
    def revoke(self, attestation_id: str, reason: RevocationReason) -> Plan[AttestationRecord]:
        """From now on it no longer counts. Again changes nothing.

        Raises:
            NotFoundError: Absent, or not yours.
        """
        value = {"reason": reason}
        return self._post(AttestationRecord, "attestations", attestation_id, "revoke", value=value)

    @operation
    def keys(self, institutions: Collection[str] = ()) -> Plan[TrustedIssuers]:
        """What verifies attestations without a network, for a file.

        Args:
            institutions: Others beside one's own, whose keys were confirmed here.
        """
        target = path("attestations", "keys") + _query("institution", institutions)
        return self._session.perform(Call("GET", target, TypeAdapter(TrustedIssuers)))


def _said(show: Collection[str] | None) -> Collection[str]:
    if show is None:
        return ()
    return show or ("none",)


def _query(name: str, values: Collection[str]) -> str:
    return f"?{urlencode([(name, value) for value in values])}" if values else ""
