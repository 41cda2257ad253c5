"""Who is on the network, and whose identity key a person confirmed."""

from pydantic import TypeAdapter

from relevo.contracts.institution import DirectoryPage, ListedInstitution

from .answers import Pin
from .call import Call, body, path
from .plan import Give, Items, M_co, Plan, listing, operation
from .requests import Requests


class Directory(Requests[M_co]):
    """Institutions, as the home gateway lists them, and the keys that the node trusts."""

    @listing
    def find(
        self, *, country: str | None = None, mandate: str | None = None
    ) -> Items[ListedInstitution]:
        """Institutions by id; pages are read as they are needed.

        Args:
            country: ISO 3166-1 alpha-2, upper case.
            mandate: A code of the list `mandate`, such as `returnee_reception`.
        """
        cursor = None
        while True:
            page = yield from self._get(
                DirectoryPage, "directory", country=country, mandate=mandate, cursor=cursor
            )
            for institution in page.institutions:
                yield Give(institution)
            cursor = page.next_cursor
            if cursor is None:
                return

    @operation
    def pins(self) -> Plan[list[Pin]]:
        """Identity keys that the node trusts, and who compared each fingerprint."""
        return self._get(list[Pin], "pins")

    @operation
    def pin(self, institution: str, fingerprint: str, *, confirmed_by: str) -> Plan[Pin]:
        """Trusts an identity key, after its fingerprint was compared by telephone or in person.

        Args:
            institution: Such as `gt.igm`.
            fingerprint: 43 symbols, as the other institution read them out (RFC 7638).
            confirmed_by: Who compared it.
        """
        content = body({"fingerprint": fingerprint, "confirmed_by": confirmed_by})
        call = Call("PUT", path("pins", institution), TypeAdapter(Pin), content)
        return self._session.perform(call)
