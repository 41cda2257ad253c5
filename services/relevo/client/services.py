"""The service directory: who can take somebody now, and what one's own institution says it does."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from relevo.contracts.service import RevalidationItem, RevalidationList, ServiceOffer, ServicePage

from .call import Call, Method, body, path
from .plan import Give, Items, M_co, Plan, listing, operation
from .requests import Requests

Document = dict[str, Any]
"""JSON as it came: documents of HSDS hold members that no model knows."""


class Services(Requests[M_co]):
    """Services of the network, and those of one's own institution."""

    @listing
    def find(
        self,
        need: str,
        *,
        country: str | None = None,
        mandate: str | None = None,
        place: str | None = None,
        language: str | None = None,
        age: int | None = None,
        sex: str | None = None,
        profile: str | None = None,
    ) -> Items[ServiceOffer]:
        """Services that meet a need, each with whether it takes somebody now.

        Args:
            need: A code of the list `service_type`.
            country: ISO 3166-1 alpha-2; without one, those at home at one's gateway.
            mandate: That the receiver must hold, a code of the list `mandate`.
            place: Where the person is, such as `GT-0101`.
            language: ISO 639-3.
            age: In years.
            sex: A code of the list `sex`.
            profile: A code of the list `case_profile`.
        """
        cursor = None
        while True:
            page = yield from self._get(
                ServicePage,
                "services",
                need=need,
                country=country,
                mandate=mandate,
                place=place,
                language=language,
                age=age,
                sex=sex,
                profile=profile,
                cursor=cursor,
            )
            for offer in page.services:
                yield Give(offer)
            cursor = page.next_cursor
            if cursor is None:
                return

    @operation
    def whom_to_ask(self, need: str, country: str | None = None) -> Plan[ServicePage]:
        """The first page alone, with `ask`: who works with houses that stand in no list."""
        return self._get(ServicePage, "services", need=need, country=country)

    @listing
    def of(self, institution: str) -> Items[Document]:
        """Entries of an institution at home at one's gateway, documents and all."""
        cursor = None
        while True:
            page = yield from self._get(Document, "services", institution, cursor=cursor)
            for entry in page["services"]:
                yield Give(entry)
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    @operation
    def get(self, institution: str, service: str) -> Plan[Document]:
        """One entry with its document."""
        return self._get(Document, "services", institution, service)

    @operation
    def put(
        self,
        institution: str,
        document: Document,
        *,
        party: str | None = None,
        confirmed_by: str | None = None,
    ) -> Plan[Document]:
        """Puts a document of HSDS 3 of one's own institution into the directory.

        Args:
            institution: One's own.
            document: With all its members.
            party: The unit that takes referrals for it; else the institution.
            confirmed_by: The post or office that checked it, never a person's name.
        """
        entry = {"service": document, "party": party, "confirmed_by": confirmed_by}
        value = {name: given for name, given in entry.items() if given is not None}
        return self._change("PUT", value, institution, str(document.get("id", "")))

    @operation
    def remove(self, institution: str, service: str) -> Plan[None]:
        """Takes an own entry out."""
        call: Call[None] = Call("DELETE", path("services", institution, service), TypeAdapter(None))
        return self._session.perform(call)

    @operation
    def say_capacity(
        self, institution: str, service: str, capacity: str, until: datetime
    ) -> Plan[Document]:
        """Says what places there are, and until when that holds.

        Args:
            institution: One's own.
            service: The document's id.
            capacity: A code of the list `service_capacity`.
            until: 92 days ahead at most.
        """
        said = {"capacity": capacity, "until": until.isoformat()}
        return self._change("PUT", said, institution, service, "capacity")

    @operation
    def confirm(self, institution: str, service: str, *, confirmed_by: str) -> Plan[Document]:
        """Says that an entry was looked at and still holds."""
        said = {"confirmed_by": confirmed_by}
        return self._change("POST", said, institution, service, "confirm")

    @operation
    def to_confirm(self) -> Plan[list[RevalidationItem]]:
        """Own entries that must be looked at."""
        found = yield from self._get(RevalidationList, "services", "revalidation")
        return found.services

    def _change(self, method: Method, value: Document, *segments: str) -> Plan[Document]:
        call = Call(method, path("services", *segments), TypeAdapter(Document), body(value))
        return self._session.perform(call)
