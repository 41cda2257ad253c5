"""The file that lets anyone verify attestations without a network."""

from collections.abc import Collection

from sqlalchemy import Connection

from relevo.contracts.attestation import GatewayKeys, TrustedIssuers
from relevo.contracts.identifiers import institution_of
from relevo.contracts.problem import ProblemError
from relevo.node.storage import peers
from relevo.servicekit import jose
from relevo.servicekit.access_token import Caller
from relevo.servicekit.http_client import RefusedError, RetryableError

from .context import Node
from .directory import Directory
from .read_attestation import signed_status_list
from .revocation_lists import lists_of
from .visibility import party_of


async def trusted_issuers(
    node: Node, directory: Directory, caller: Caller, institutions: Collection[str]
) -> TrustedIssuers:
    """What a verifier without a network needs: signed entries and lists of revoked numbers.

    Of this institution, and of others whose keys it has confirmed.

    Raises:
        ProblemError: `receiver_unknown`, `key_not_pinned`, `key_changed` or `gateway_unreachable`.
    """
    party_of(node, caller)
    await directory.profile(node.institution)
    wanted = {institution_of(party) for party in institutions} - {node.institution}
    for institution in sorted(wanted):
        await directory.peer(institution)
    welcome = await directory.home()
    entries = await node.database.read(_entries, sorted(wanted | {node.institution}))
    gateways = [GatewayKeys(gateway=welcome.gateway, key_set=welcome.gateway_key_set)]
    issuers = {str(jose.peek(jws)[1].get("iss")) for jws in entries}
    if issuers - {welcome.gateway}:
        try:
            gateways += [
                GatewayKeys(gateway=peer.gateway, key_set=peer.key_set)
                for peer in await node.gateway.gateways()
                if peer.gateway in issuers
            ]
        except (RetryableError, RefusedError) as error:
            raise ProblemError("gateway_unreachable") from error
    lists = [await signed_status_list(node), *await lists_of(node, sorted(wanted))]
    return TrustedIssuers(gateways=gateways, entries=entries, status_lists=lists)


def _entries(connection: Connection, institutions: list[str]) -> list[str]:
    found = [peers.get_entry(connection, institution) for institution in institutions]
    if None in found:
        raise ProblemError("gateway_unreachable")
    return [entry[0] for entry in found if entry is not None]
