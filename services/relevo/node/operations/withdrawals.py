"""What each holder does after a withdrawal comes back to whoever holds the consent."""

from typing import cast

from sqlalchemy import Connection

from relevo.contracts.lifecycles.referral import ENDED
from relevo.contracts.message_types.withdrawal_answered import (
    WITHDRAWAL_ANSWERED,
    WithdrawalAnswered,
)
from relevo.contracts.problem import ProblemError
from relevo.contracts.withdrawal import (
    HolderAnswer,
    KeeperAnswer,
    KeptHere,
    WithdrawalAnswer,
    WithdrawalProgress,
)
from relevo.node.storage import grants, information, outbox, referrals, withdrawals
from relevo.node.storage.holdings import Holdings
from relevo.node.storage.withdrawals import Answered
from relevo.servicekit.access_token import Caller

from .batch import Batch
from .consent import own_consent
from .context import Node
from .open_envelope import Opened
from .tell import control_message
from .visibility import found, party_of


async def answer_withdrawal(
    node: Node, caller: Caller, referral_id: str, said: WithdrawalAnswer
) -> HolderAnswer:
    """Tells the sender what became of the data, and erases them if that is the answer.

    What was accepted goes on: stopped means stopped sharing. Data are erased once the service has
    ended, for nobody can be served without a record.

    Raises:
        ProblemError: `not_found`, or `illegal_transition` where nothing was withdrawn, or data would
            be erased of somebody who is still served.
    """
    party_of(node, caller)
    answered, keys = await node.database.write(_answer, node, caller, referral_id, said)
    for key_id in keys:
        node.vault.destroy(key_id)
    node.wake()
    return answered


def _answer(
    connection: Connection, node: Node, caller: Caller, referral_id: str, said: WithdrawalAnswer
) -> tuple[HolderAnswer, set[str]]:
    holdings = Holdings(connection, node.vault, [referral_id])
    held = found(caller, holdings.get(referral_id))
    message_id = withdrawals.message_that_withdrew(connection, referral_id)
    if held.role != "receiver" or held.sharing != "withdrawn" or message_id is None:
        raise ProblemError(
            "illegal_transition",
            subject="withdrawal",
            from_state=held.sharing,
            to_state=said.answer,
        )
    if said.answer == "erased" and held.state not in ENDED:
        raise ProblemError(
            "illegal_transition", subject="referral", from_state=held.state, to_state="erased"
        )
    now = node.clock.business()
    withdrawals.put_answer(connection, Answered(referral_id, said.answer, said.law, now))
    body = WithdrawalAnswered(answers_message=message_id, answer=said.answer, law=said.law, at=now)
    message = control_message(
        held, WITHDRAWAL_ANSWERED.id, body.model_dump(mode="json", exclude_none=True), now=now
    )
    # Under a key of its own: the answer goes out when what it is about is gone.
    holdings.queue(outbox.seal(node.vault, node.vault.new_key(), message, now=now))
    holdings.write()
    keys = set[str]()
    if said.answer == "erased":
        keys = {held.data_key_id, *information.keys_of(connection, referral_id).values()}
    answered = HolderAnswer(
        referral_id=referral_id,
        reference_code=held.reference_code,
        holder=held.owner,
        answer=said.answer,
        law=said.law,
        answered_at=now,
    )
    return answered, keys


def withdrawal_answered(batch: Batch, item: Opened) -> bool:
    """A holder says what it did."""
    held, actor = batch.party_to(item)
    if actor != "receiver":
        raise ProblemError("not_found")
    if held.sharing != "withdrawn":
        batch.answer_inapplicable(held, item.envelope.jti)
        return False
    body = cast("WithdrawalAnswered", item.body)
    withdrawals.put_answer(batch.connection, Answered(held.id, body.answer, body.law, body.at))
    batch.holdings.tell(held, item.kind.name, now=batch.now)
    return True


async def answer_for_ourselves(
    node: Node, caller: Caller, consent_id: str, said: KeeperAnswer
) -> WithdrawalProgress:
    """Writes down what this institution did with what it knows of her itself.

    She took her word back from whoever asked her, too: that one is a holder like the others.

    Raises:
        ProblemError: `not_found`, or `illegal_transition` where nothing was withdrawn.
    """
    party_of(node, caller)
    return await node.database.write(_answer_ourselves, node, caller, consent_id, said)


def _answer_ourselves(
    connection: Connection, node: Node, caller: Caller, consent_id: str, said: KeeperAnswer
) -> WithdrawalProgress:
    record = own_consent(connection, node, caller, consent_id)
    if record.state != "withdrawn":
        raise ProblemError(
            "illegal_transition",
            subject="withdrawal",
            from_state=record.state,
            to_state=said.answer,
        )
    now = node.clock.business()
    withdrawals.put_answer(connection, Answered(consent_id, said.answer, said.law, now))
    return _progress(connection, node, caller, consent_id)


async def read_withdrawal(node: Node, caller: Caller, consent_id: str) -> WithdrawalProgress:
    """Every holder of what left under a consent, with its answer.

    Raises:
        ProblemError: `not_found`, the same for absent and not yours.
    """
    party_of(node, caller)
    return await node.database.read(_progress, node, caller, consent_id)


def _progress(
    connection: Connection, node: Node, caller: Caller, consent_id: str
) -> WithdrawalProgress:
    record = own_consent(connection, node, caller, consent_id)
    ids = sorted({grant.referral_id for grant in grants.of_consent(connection, consent_id)})
    answers = withdrawals.answers_of(connection, [consent_id, *ids])
    own = answers.get(consent_id)
    sent = referrals.by_ids(connection, ids)
    holders = []
    for referral_id, held in sorted(sent.items()):
        said = answers.get(referral_id)
        holders.append(
            HolderAnswer(
                referral_id=referral_id,
                reference_code=held.reference_code,
                holder=held.receiver,
                answer=None if said is None else said.answer,  # type: ignore[arg-type]
                law=None if said is None else said.law,
                answered_at=None if said is None else said.at,
            )
        )
    return WithdrawalProgress(
        consent_id=consent_id,
        state=record.state,
        withdrawn_at=record.withdrawn_at,
        own=None if own is None else KeptHere(answer=own.answer, law=own.law, answered_at=own.at),  # type: ignore[arg-type]
        holders=holders,
    )
