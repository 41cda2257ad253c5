"""Receipts count only if the gateway's signed ledger holds them."""

import pytest
from joserfc.jwk import OKPKey

from relevo.contracts.exchange import MessageBatch
from relevo.contracts.institution import KEY_SET_TYP, KeySet, PeerGateway
from relevo.contracts.receipt import Receipt, ReceiptKind, ReceiptLeaf
from relevo.node.domain.outgoing import digest_of
from relevo.node.operations.join import public_key
from relevo.node.operations.open_envelope import parse
from relevo.node.operations.receive import receive
from relevo.servicekit import checkpoint, jose, merkle
from relevo.servicekit.checkpoint import Checkpoint
from tests.support.institutions import GATEWAY, SHELTER
from tests.support.node_requests import consented, look, submitted
from tests.support.nodes import Network

pytestmark = pytest.mark.asyncio


def a_receipt(
    network: Network, jws: str, kind: ReceiptKind, *, problem: str | None = None, digest: str = ""
) -> Receipt:
    leaf = ReceiptLeaf(
        kind=kind,
        gateway=GATEWAY,
        message_id=parse(jws).jti,
        digest=digest or digest_of(jws),
        at=network.clock.now,
        problem=problem,
        salt="0" * 32,
    )
    root = merkle.leaf_hash(leaf.leaf_bytes())
    note = checkpoint.sign(Checkpoint(checkpoint.origin_of(GATEWAY), 1, root), network.key)
    return Receipt(leaf=leaf, index=0, proof=[], checkpoint=note)


async def sent(network: Network) -> tuple[str, str]:
    shelter = network.members[SHELTER]
    referral = await submitted(shelter, await consented(shelter))
    await shelter.send_what_waits()
    [jws] = network.waiting
    network.waiting = []
    return referral, jws


async def hand_over(network: Network, *receipts: Receipt) -> None:
    shelter = network.members[SHELTER]
    await receive(shelter.node, shelter.directory, MessageBatch(receipts=list(receipts)))


async def test_delivery_is_shown_on_the_referral(network: Network) -> None:
    referral, jws = await sent(network)
    assert (await look(network.members[SHELTER], referral))["delivery"] == "accepted"
    await hand_over(network, a_receipt(network, jws, "delivered"))
    seen = await look(network.members[SHELTER], referral)
    assert (seen["delivery"], seen["state"]) == ("delivered", "submitted")


async def test_a_refusal_says_why_and_can_be_closed(network: Network) -> None:
    referral, jws = await sent(network)
    await hand_over(network, a_receipt(network, jws, "refused", problem="policy_denied"))
    shelter = network.members[SHELTER]
    seen = await look(shelter, referral)
    assert (seen["state"], seen["delivery"], seen["delivery_problem"]) == (
        "failed", "refused", "policy_denied",
    )  # fmt: skip
    async with shelter.http() as http:
        assert (await http.post(f"/v1/referrals/{referral}/close")).json()["state"] == "closed"


async def test_a_late_received_wins_over_an_expiry(network: Network) -> None:
    referral, jws = await sent(network)
    await hand_over(network, a_receipt(network, jws, "expired"))
    assert (await look(network.members[SHELTER], referral))["state"] == "expired"
    await network.deliver(jws)
    await network.settle()
    assert (await look(network.members[SHELTER], referral))["state"] == "received"


async def test_what_the_receiver_could_not_open_is_sealed_anew_once(network: Network) -> None:
    referral, jws = await sent(network)
    await hand_over(network, a_receipt(network, jws, "refused", problem="undecryptable"))
    await network.members[SHELTER].send_what_waits()
    [again] = network.waiting
    assert parse(again).replaces == parse(jws).jti
    assert parse(again).jti != parse(jws).jti
    await network.settle()
    assert (await look(network.members[SHELTER], referral))["state"] == "received"


async def test_a_receipt_signed_by_somebody_else_ends_nothing(network: Network) -> None:
    referral, jws = await sent(network)
    right, network.key = network.key, jose.generate_signing_key()
    forged = a_receipt(network, jws, "delivered")
    network.key = right
    await hand_over(network, forged)
    assert (await look(network.members[SHELTER], referral))["delivery"] == "accepted"


async def test_a_receipt_that_the_checkpoint_does_not_cover_ends_nothing(network: Network) -> None:
    referral, jws = await sent(network)
    true = a_receipt(network, jws, "delivered")
    changed = true.model_copy(update={"leaf": true.leaf.model_copy(update={"kind": "dead"})})
    await hand_over(network, changed)
    assert (await look(network.members[SHELTER], referral))["delivery"] == "accepted"


async def test_a_receipt_of_other_bytes_ends_nothing(network: Network) -> None:
    referral, jws = await sent(network)
    await hand_over(network, a_receipt(network, jws, "delivered", digest="f" * 64))
    assert (await look(network.members[SHELTER], referral))["delivery"] == "accepted"


async def test_a_dead_message_that_the_desk_sent_again_counts_as_delivered(
    network: Network,
) -> None:
    referral, jws = await sent(network)
    await hand_over(network, a_receipt(network, jws, "dead"))
    assert (await look(network.members[SHELTER], referral))["delivery"] == "dead"
    await hand_over(network, a_receipt(network, jws, "delivered"), a_receipt(network, jws, "dead"))
    assert (await look(network.members[SHELTER], referral))["delivery"] == "delivered"


def a_card(network: Network, signing: OKPKey, identity: OKPKey) -> PeerGateway:
    """The gateway's own card with another signing key, under the next version of its key set."""
    claims = KeySet(
        iss=GATEWAY,
        iat=int(network.clock.now.timestamp()),
        version=2,
        identity_key=public_key(identity),
        keys=[public_key(signing)],
    )
    return PeerGateway(
        gateway=GATEWAY,
        url="https://gateway.example",
        countries=["MX"],
        key_set=jose.sign(claims.model_dump(), identity, typ=KEY_SET_TYP),
        client_key=public_key(signing),
        agreement="own",
    )


@pytest.mark.parametrize("same_identity", [True, False])
async def test_a_gateways_new_key_counts_if_the_identity_that_was_joined_signed_it(
    network: Network, monkeypatch: pytest.MonkeyPatch, *, same_identity: bool
) -> None:
    referral, jws = await sent(network)
    shelter, joined, new = network.members[SHELTER], network.key, jose.generate_signing_key()
    await shelter.directory.gateway_keys(GATEWAY)
    card = a_card(network, new, joined if same_identity else new)

    async def gateways() -> list[PeerGateway]:
        return [card]

    monkeypatch.setattr(shelter.node.gateway, "gateways", gateways)
    monkeypatch.setattr(network, "key", new)
    await hand_over(network, a_receipt(network, jws, "delivered"))
    monkeypatch.setattr(network, "key", joined)
    seen = await look(shelter, referral)
    assert seen["delivery"] == ("delivered" if same_identity else "accepted")
