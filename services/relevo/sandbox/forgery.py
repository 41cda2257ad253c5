"""Messages that an honest node never makes, for proving that they are refused."""

import asyncio
import json
import time
import uuid
from pathlib import Path

from joserfc.jwk import OKPKey

from relevo.contracts.envelope import ENVELOPE_TYP, Envelope, SealedContent
from relevo.contracts.exchange import BatchAnswer, MessageAnswer, MessageBatch
from relevo.contracts.grant_slice import GRANT_TYP, GrantSlice
from relevo.contracts.identifiers import reference_code
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.scopes import Scope
from relevo.servicekit import jose, padding
from relevo.servicekit.clock import SystemClock
from relevo.servicekit.http_client import ServiceClient, outbound_http
from relevo.servicekit.ids import new_id, random_id
from relevo.servicekit.oauth_client import TokenSource

from . import people
from .network import Network

_SENDER = "mx.albergue-tapachula"
_RECEIVER = "gt.igm.crr"


def deliver_with_other_grants(network: Network) -> MessageAnswer:
    """The sender's own keys, a good envelope, and content that was sealed under another grant."""
    jws = _envelope(network)
    return asyncio.run(_deliver(network, jws))


async def _deliver(network: Network, jws: str) -> MessageAnswer:
    gateway, node = network.gateways["gateway.gt"], network.nodes["gt.igm"]
    key = _key(gateway.settings.key_directory, "client")
    async with outbound_http(allow_private=True) as http:
        tokens = TokenSource(
            issuer=node.base_url,
            client_id=gateway.name,
            key=key,
            http=http,
            clock=SystemClock(),
            dpop_key=key,
        )
        service = ServiceClient(tokens, http=http, allow_private=True)
        response = await service.request(
            "POST",
            f"{node.base_url}/v1/inbox",
            json=MessageBatch(envelopes=[jws]).model_dump(mode="json"),
            scopes=[Scope.MESSAGES_DELIVER],
        )
    [answer] = BatchAnswer.model_validate_json(response.content).answers
    return answer


def _envelope(network: Network) -> str:
    keys = network.nodes[_SENDER].settings.key_directory
    signing = _key(keys, "signing")
    receiver = _key(network.nodes["gt.igm"].settings.key_directory, "encryption")
    now, message_id = int(time.time()), new_id()
    grant = GrantSlice(
        iss=_SENDER,
        jti=random_id(),
        iat=now,
        nbf=now - 60,
        exp=now + 3600,
        sender=_SENDER,
        receiver=_RECEIVER,
        purposes=["service_delivery"],
        categories=["identity"],
    )
    identity = people.tomasa()["identity"]
    content = SealedContent(
        message_id=message_id,
        source=_SENDER,
        recipient=_RECEIVER,
        message_type=REFERRAL_SUBMITTED.id,
        # Not the grant of the envelope.
        grant_ids=[str(uuid.uuid4())],
        body={
            "needs": [{"service": "national_id"}],
            "persons": [{"person_id": "1", "identity": identity}],
            "submitted_at": people.moment(SystemClock().business()),
        },
    )
    sealed = jose.seal(
        padding.pad(json.dumps(content.model_dump(mode="json")).encode()),
        jose.import_public_key(jose.public_jwk(receiver)),
        apu=_SENDER,
        apv="gt.igm",
    )
    envelope = Envelope(
        iss=_SENDER,
        aud=_RECEIVER,
        sub=new_id(),
        jti=message_id,
        iat=now,
        exp=now + 3600,
        message_type=REFERRAL_SUBMITTED.id,
        correlation_id=new_id(),
        reference_code=reference_code("MX", now),
        pathway="gt-retorno-al-hogar",
        state="submitted",
        triage="green",
        purpose="service_delivery",
        categories=["identity"],
        grants=[jose.sign(grant.model_dump(), signing, typ=GRANT_TYP)],
        test=True,
        content=sealed,
    )
    claims = envelope.model_dump(mode="json", exclude_none=True)
    return jose.sign(claims, signing, typ=ENVELOPE_TYP)


def _key(directory: Path, name: str) -> OKPKey:
    return jose.load_keys(directory, name)[0]
