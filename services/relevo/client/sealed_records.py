"""What the unit that holds a referral writes down beside it for itself alone."""

from relevo.contracts.sealed_records import SealedRecord

from .answers import SealedRecordPage
from .plan import M_co, Plan, operation
from .requests import Input, Requests, new_key


class SealedRecords(Requests[M_co]):
    """Who died, who was told, who decides. They never travel and make no event."""

    @operation
    def write(
        self, referral_id: str, record: Input, *, key: str | None = None
    ) -> Plan[SealedRecord]:
        """Writes one down. It is never changed and never removed.

        Args:
            referral_id: Of a referral that this unit holds.
            record: One of `Identification`, `FamilyTold`, `RemainsDecision`, `Kinship` and
                `SearchedPersonAnswer`.
            key: Idempotency key, 1 to 255 printable characters; with one of your own it is written once
                even if your system fails in between.

        Raises:
            InvalidInputError: Something does not fit the contract, or lies in the future.
            NotFoundError: Absent, or not this unit's.
            RefusedByConsentError: `grant_not_live`: she was erased here.
        """
        return self._post(
            SealedRecord,
            "referrals",
            referral_id,
            "sealed-records",
            value=record,
            key=key or new_key(),
        )

    @operation
    def of(self, referral_id: str) -> Plan[list[SealedRecord]]:
        """All of a referral, the oldest first; the last decision about remains counts.

        Raises:
            NotFoundError: Absent, or not this unit's.
        """
        page = yield from self._get(SealedRecordPage, "referrals", referral_id, "sealed-records")
        return page.records
