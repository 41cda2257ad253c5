"""Guatemala's gateway with two institutions, messages on their way and on the desk, and a peer."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from relevo.contracts.attestation import STATUS_LIST_TYP
from relevo.contracts.country_tables import Watches
from relevo.contracts.exchange import MessageBatch
from relevo.contracts.follow_up import FOLLOW_UP_QUERY_TYP, FollowUpQuery
from relevo.contracts.scopes import Scope
from relevo.contracts.service import ServiceEntry
from relevo.contracts.status import STATUS_QUERY_TYP, StatusQuery
from relevo.contracts.withdrawal import WITHDRAWAL_REQUEST_TYP, WithdrawalRequest
from relevo.gateway.domain.delivery import mailbox_target
from relevo.gateway.main import PACKAGE
from relevo.gateway.operations import appointments, blobs, endings, loads, services, witness
from relevo.gateway.operations.arrivals import Source
from relevo.gateway.operations.endings import Ending
from relevo.gateway.operations.loads import Bounds
from relevo.gateway.operations.membership import change_state
from relevo.gateway.storage import deliveries, ledger, revocation_lists
from relevo.gateway.storage.blobs import NamedBlobs, expect
from relevo.servicekit import checkpoint, jose, service_examples
from relevo.servicekit.access_token import TokenVerifier
from relevo.servicekit.clock import FixedClock
from relevo.servicekit.dpop import make_proof
from relevo.servicekit.ids import new_id, random_id
from tests.gateway.federation import (
    Institution,
    Network,
    RunningGateway,
    a_gateway,
    agree,
    claims_of,
)
from tests.openapi.targets import Target, committed
from tests.support.database import lent
from tests.support.issuer import Issuer
from tests.support.serving import HOST, served

_READS: Final = f"{Scope.DIRECTORY_READ} {Scope.LEDGER_READ}"
_FIGURES: Final = f"{Scope.STATISTICS_READ} {Scope.COORDINATION_READ}"
_ADMIN: Final = f"{Scope.DELIVERIES_ADMIN} {Scope.POLICIES_ADMIN} {Scope.DIRECTORY_WRITE}"
_OFFICE: Final = f"{_ADMIN} {_READS} {_FIGURES}"
_SENDS: Final = f"{Scope.MESSAGES_SEND} {Scope.REFERRALS_STATUS} {Scope.FOLLOW_UPS_REQUEST}"
_BY_PEERS: Final = (
    "/v1/relay",
    "/v1/relay/blobs/{digest}",
    "/v1/grant-status",
    "/v1/ledger/cosignatures",
)
_BLOB: Final = "/v1/blobs/{digest}"
_WITHDRAWALS: Final = "/v1/withdrawal-requests"
_BY_NODES: Final = (
    _BLOB,
    _WITHDRAWALS,
    "/v1/messages",
    "/v1/status-queries",
    "/v1/follow-up-requests",
)
_REVOKED: Final = "/v1/directory/{institution}/revocation-list"
_LEASES: Final = "/v1/mailbox/leases"
_ACKNOWLEDGEMENTS: Final = "/v1/mailbox/leases/{lease_id}/acknowledgements"
_BY_MAILBOXES: Final = (_LEASES, _ACKNOWLEDGEMENTS, f"{_WITHDRAWALS}/waiting")


@contextlib.contextmanager
def the_gateway(folder: Path) -> Iterator[Target]:
    clock, network = FixedClock(), Network()
    stack = contextlib.ExitStack()

    def running(country: str) -> RunningGateway:
        database = stack.enter_context(lent("sqlite", folder / f"{country}.db", PACKAGE))
        return a_gateway(folder, database, country, network, clock)

    gt, mx = running("GT"), running("MX")
    agree(gt, mx)
    igm, pgn = Institution("gt.igm"), Institution("gt.pgn", delivery="mailbox")
    gt.join(igm, pgn)
    base_url = gt.gateway.settings.base_url
    issuer = Issuer(clock)
    issuer.statement_claims = {"iss": base_url}
    gt.app.state.token_verifier = TokenVerifier(
        issuer=base_url, audience=base_url, fetch=issuer.fetch, clock=clock
    )
    key = jose.generate_signing_key()

    def token(institution: str, scope: str) -> str:
        return issuer.token(
            iss=base_url, aud=base_url, institution=institution, scope=scope, bound_to=key
        )

    office = token("gt.igm", _OFFICE)
    node = token(igm.id, _SENDS)
    mailbox = token(pgn.id, Scope.MESSAGES_RECEIVE)
    peer = token(mx.name, Scope.FEDERATION_RELAY)

    holders = {_BY_PEERS: peer, _BY_NODES: node, _BY_MAILBOXES: mailbox}

    def credentials(path: str, method: str, sent_to: str) -> dict[str, str]:
        # A blob is brought by one side and fetched by the other.
        path = _LEASES if path == _BLOB and method.upper() != "PUT" else path
        used = next((held for paths, held in holders.items() if path in paths), office)
        proof = make_proof(key, method, base_url + sent_to, now=clock.security(), access_token=used)
        return {"Authorization": f"DPoP {used}", "DPoP": proof}

    try:
        with served(gt.app) as port:
            yield Target(
                service="gateway",
                url=f"http://{HOST}:{port}",
                database=gt.gateway.database,
                furnish=lambda: asyncio.run(_furnish(gt, mx, igm, pgn)),
                credentials=credentials,
                renewed=_without_waiting,
            )
    finally:
        asyncio.run(_close(gt, mx))
        stack.close()


async def _close(*gateways: RunningGateway) -> None:
    for gateway in gateways:
        await gateway.aclose()


async def _furnish(
    gt: RunningGateway, mx: RunningGateway, igm: Institution, pgn: Institution
) -> dict[str, str]:
    here, now = gt.gateway, gt.clock.now
    for institution in (igm, pgn):
        here.database.write_now(change_state, here, institution.id, "active")
    await witness.look_at_peers(here)
    watched = Watches(pathways=["gt-izabal-health"], approved_by="Ana")
    await appointments.set_watches(here, igm.id, watched, client="office")
    shown = committed("gateway")["paths"]
    entry = ServiceEntry.model_validate(service_examples.ENTRY)
    await services.put(here, igm.id, igm.id, service_examples.SERVICE_ID, entry)
    revoked = {"iss": igm.id, "iat": int(now.timestamp())}
    status_list = jose.sign(revoked, igm.signing, typ=STATUS_LIST_TYP)
    here.database.write_now(revocation_lists.put, igm.id, status_list, now)
    note = here.database.read_now(ledger.head).checkpoint
    line = checkpoint.cosign(
        note, name=mx.name, key=mx.gateway.keys.signing[0], time=int(now.timestamp())
    )
    dead = await _sent(gt, igm, pgn)
    [item] = here.database.read_now(deliveries.get_many, [dead["jti"]])
    ending = Ending(item, "dead", "internal_error", told=False)
    here.database.write_now(endings.end, here, [ending])
    for _ in range(2):  # one is leased, and one waits for whoever asks
        await _sent(gt, igm, pgn)
    load = await loads.take(here, mailbox_target(pgn.id), Bounds(60, messages=1))
    [leased] = load.envelopes
    await _a_blob(gt, igm, pgn, mx.name)
    return {
        service_examples.CAPACITY["until"]: (now + timedelta(days=1)).isoformat(),
        _body(shown, _REVOKED, "put")["status_list"]: status_list,
        _body(shown, "/v1/messages")["envelopes"][0]: igm.envelope(pgn.id, now=now),
        _body(shown, "/v1/ledger/cosignatures")["checkpoint"]: note + line,
        _body(shown, "/v1/status-queries")["query"]: _query(
            StatusQuery, STATUS_QUERY_TYP, igm, dead["reference_code"], gt
        ),
        _body(shown, "/v1/follow-up-requests")["query"]: _query(
            FollowUpQuery, FOLLOW_UP_QUERY_TYP, igm, dead["reference_code"], gt
        ),
        _body(shown, "/v1/follow-up-requests")["query"]: await _follow_up_query(gt, igm, pgn),
        _body(shown, _WITHDRAWALS)["query"]: _query(
            WithdrawalRequest,
            WITHDRAWAL_REQUEST_TYP,
            igm,
            dead["reference_code"],
            gt,
            phrase_check="A" * 43,
        ),
        _body(shown, _ACKNOWLEDGEMENTS)["answers"][0]["message_id"]: claims_of(leased)["jti"],
        _parameter(shown, _ACKNOWLEDGEMENTS): str(load.lease_id),
        _parameter(shown, "/v1/deliveries/{message_id}/retry"): dead["jti"],
    }


def _without_waiting(body: Any) -> Any:
    """Nobody has time here for what may come within half a minute."""
    if isinstance(body, dict) and body.get("wait_seconds") in range(1, 31):
        return {**body, "wait_seconds": 0}
    return body


def _parameter(shown: dict[str, Any], path: str) -> str:
    [parameter] = shown[path]["post"]["parameters"]
    return str(parameter["schema"]["examples"][0])


def _body(shown: dict[str, Any], path: str, method: str = "post") -> dict[str, Any]:
    found: dict[str, Any] = shown[path][method]["requestBody"]["content"]["application/json"]
    example: dict[str, Any] = found["example"]
    return example


async def _sent(
    gt: RunningGateway, sender: Institution, receiver: Institution, **changes: Any
) -> dict[str, Any]:
    """Claims of a message that was accepted."""
    envelope = sender.envelope(receiver.id, now=gt.clock.now, **changes)
    batch = MessageBatch(envelopes=[envelope])
    acceptance = gt.app.state.service.acceptance
    [answer] = (await acceptance.accept(Source(institution=sender.id), batch)).answers
    assert answer.result == "accepted", answer.problem
    return claims_of(envelope)


async def _a_blob(gt: RunningGateway, igm: Institution, pgn: Institution, peer: str) -> None:
    """The one of the examples, here for its receiver, and expected from a peer as well."""
    put = committed("gateway")["paths"][_BLOB]["put"]
    digest = str(put["parameters"][0]["schema"]["examples"][0])
    sealed = put["requestBody"]["content"]["application/octet-stream"]["example"].encode()
    await _sent(gt, igm, pgn, blobs=[digest])
    await blobs.take(gt.gateway, igm.id, digest, sealed)
    relayed = NamedBlobs(
        message_id=new_id(),
        digests=[digest],
        source=peer,
        target=f"institution:{pgn.id}",
        expires_at=gt.clock.now + timedelta(days=30),
        priority=1,
    )
    gt.gateway.database.write_now(expect, [relayed], now=gt.clock.now)


async def _follow_up_query(gt: RunningGateway, igm: Institution, pgn: Institution) -> str:
    """About a referral whose slice names the asker."""
    grant = igm.grant(pgn.id, now=gt.clock.now, follow_up_parties=[igm.id])
    followed = await _sent(gt, igm, pgn, grants=[grant])
    now = int(gt.clock.now.timestamp())
    query = FollowUpQuery(
        iss=igm.id,
        aud=gt.name,
        jti=random_id(),
        iat=now,
        exp=now + 120,
        reference_code=followed["reference_code"],
    )
    return jose.sign(query.model_dump(), igm.signing, typ=FOLLOW_UP_QUERY_TYP)


def _query(
    kind: type[StatusQuery | FollowUpQuery | WithdrawalRequest],
    typ: str,
    asker: Institution,
    code: str,
    gt: RunningGateway,
    **more: Any,
) -> str:
    now = int(gt.clock.now.timestamp())
    query = kind.model_validate(
        {
            "iss": asker.id,
            "aud": gt.name,
            "jti": random_id(),
            "iat": now,
            "exp": now + 120,
            "reference_code": code,
            **more,
        }
    )
    return jose.sign(query.model_dump(), asker.signing, typ=typ)
