"""Hop 5, first half: may this message pass? Nothing is written here.

Everything that a batch needs is looked up once; then each message is judged alone, so that one bad
message never keeps a good one from passing.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from relevo.contracts import coverage
from relevo.contracts.envelope import CLOCK_SKEW, MAX_LIFETIME
from relevo.contracts.exchange import MessageAnswer
from relevo.contracts.identifiers import country_of
from relevo.contracts.jurisdictions.loader import Ruling, Side, rule_on
from relevo.contracts.message_types.consent_withdrawn import CONSENT_WITHDRAWN
from relevo.contracts.message_types.referral_submitted import REFERRAL_SUBMITTED
from relevo.contracts.pathways.loader import pathways
from relevo.contracts.problem import ProblemError
from relevo.gateway.domain import delivery as routes
from relevo.gateway.domain import ledger as leaves
from relevo.gateway.domain import tokens
from relevo.gateway.domain.policy import LAWFUL_BASIS, NO_POLICY, UNKNOWN_TYPE, Party, Question
from relevo.gateway.storage import deliveries, grants, ledger
from relevo.gateway.storage.grants import GrantKey

from . import offers
from .arrivals import Arrival, SliceReader, Source
from .context import Gateway, Peers
from .directory import Directory, Known

_MAX_LIFETIME_SECONDS: Final = int(MAX_LIFETIME / timedelta(seconds=1))
_SKEW_SECONDS: Final = int(CLOCK_SKEW / timedelta(seconds=1))
_SEALED_DOTS: Final = 4


@dataclass(slots=True)
class Passed:
    """A message that may pass, and how it goes on."""

    arrival: Arrival
    target: str
    return_to: str
    rule: str


@dataclass(slots=True)
class Judged:
    """A batch, judged.

    Attributes:
        passed: By position in the batch.
        answers: By position: refusals, and messages that came before.
        twins: Position of a message to that of the same bytes earlier in the batch.
        stale: Institutions of peers that must be asked for first; then nothing else is filled in.
    """

    passed: dict[int, Passed] = field(default_factory=dict)
    answers: dict[int, MessageAnswer] = field(default_factory=dict)
    twins: dict[int, int] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Facts:
    now: datetime
    epoch: int
    source: Source
    peers: Peers
    home: dict[str, Known]
    withdrawn: set[GrantKey]
    issuers: dict[str, set[str]]
    earlier: dict[str, str]


def judge(
    connection: Connection,
    gateway: Gateway,
    directory: Directory,
    slices: SliceReader,
    source: Source,
    arrivals: list[Arrival],
    *,
    ask_first: bool,
) -> Judged:
    """Judges a batch on one snapshot of the database.

    Args:
        connection: A read transaction.
        gateway: This gateway.
        directory: Its directory.
        slices: What is known of slices.
        source: Who handed the batch over.
        arrivals: The batch, read.
        ask_first: Whether to stop when peers should be asked about institutions before.
    """
    judged = Judged()
    readable = [arrival for arrival in arrivals if arrival.problem is None]
    peers = gateway.peers(connection)
    needed: set[str] = set().union(*(arrival.institutions() for arrival in readable))
    home = directory.home(connection, [n for n in needed if gateway.is_home(country_of(n))])
    if ask_first:
        elsewhere = {
            name: peers.by_country[country_of(name)].gateway
            for name in needed
            if name not in home and country_of(name) in peers.by_country
        }
        judged.stale = {name: elsewhere[name] for name in directory.stale(elsewhere)}
        if judged.stale:
            return judged
    facts = _facts(connection, gateway, source, peers, home, readable)
    _settle_duplicates(connection, arrivals, facts, judged)
    for position, arrival in enumerate(arrivals):
        if position in judged.answers or position in judged.twins:
            continue
        try:
            if arrival.problem is not None:
                raise arrival.problem
            judged.passed[position] = _judge_one(gateway, directory, slices, arrival, facts)
        except ProblemError as problem:
            offers.offer_others(connection, gateway, arrival, problem)
            judged.answers[position] = MessageAnswer.model_construct(
                message_id=arrival.message_id, result="refused", problem=problem.problem()
            )
    return judged


def _facts(
    connection: Connection,
    gateway: Gateway,
    source: Source,
    peers: Peers,
    home: dict[str, Known],
    readable: list[Arrival],
) -> _Facts:
    ids = {grant.claims.jti for arrival in readable for grant in arrival.grants}
    named = {grant_id for arrival in readable for grant_id in arrival.envelope.withdrawn}
    issuers: dict[str, set[str]] = {}
    for record in grants.known(connection, named) if named else []:
        issuers.setdefault(record.grant_id, set()).add(record.issuer)
    now = gateway.business()
    return _Facts(
        now=now,
        epoch=int(now.timestamp()),
        source=source,
        peers=peers,
        home=home,
        withdrawn=grants.withdrawn(connection, ids),
        issuers=issuers,
        earlier=deliveries.digests(connection, [arrival.envelope.jti for arrival in readable])
        if readable
        else {},
    )


def _settle_duplicates(
    connection: Connection, arrivals: list[Arrival], facts: _Facts, judged: Judged
) -> None:
    """The same bytes again: nothing is decided anew, whatever has changed since."""
    again: dict[int, str] = {}
    first: dict[str, int] = {}
    for position, arrival in enumerate(arrivals):
        if arrival.problem is not None:
            continue
        message_id = arrival.envelope.jti
        if facts.earlier.get(message_id) == arrival.digest:
            again[position] = message_id
        elif message_id not in first:
            first[message_id] = position
        elif arrivals[first[message_id]].digest == arrival.digest:
            judged.twins[position] = first[message_id]
        else:
            arrival.problem = ProblemError("envelope_replayed")
    if not again:
        return
    places = ledger.positions_of(connection, list(again.values()), "accepted")
    receipts = ledger.receipts_at(connection, list(places.values()))
    for position, message_id in again.items():
        judged.answers[position] = MessageAnswer.model_construct(
            message_id=message_id, result="duplicate", receipt=receipts[places[message_id]]
        )


def _judge_one(
    gateway: Gateway, directory: Directory, slices: SliceReader, arrival: Arrival, facts: _Facts
) -> Passed:
    envelope = arrival.envelope
    if envelope.test == gateway.settings.production:
        raise ProblemError("test_message_refused")
    sender, sending_party = _sender(directory, arrival, facts)
    receiver, receiving_party, target = _receiver(gateway, directory, arrival, facts)
    token = arrival.token
    if token is None or tokens.signer(token, sender.signing) is None:
        raise ProblemError("envelope_signature_invalid", sender=arrival.sender)
    _check_times(arrival, facts)
    if facts.earlier.get(envelope.jti) is not None:
        raise ProblemError("envelope_replayed")
    _check_shape(arrival, facts)
    if arrival.kind.message_class == "content":
        _check_grants(directory, slices, arrival, facts)
    rule = _check_policy(gateway, arrival, sending_party, receiving_party)
    _check_mandate(arrival, receiver)
    peer = facts.source.peer
    return Passed(
        arrival,
        target=target,
        return_to=sender.target if peer is None else routes.gateway_target(peer.gateway),
        rule=rule,
    )


def _sender(directory: Directory, arrival: Arrival, facts: _Facts) -> tuple[Known, Party]:
    name, party = arrival.sender, arrival.envelope.iss
    sender = facts.home.get(name) if facts.source.peer is None else _elsewhere(directory, name)
    if sender is None:
        raise ProblemError("sender_not_active", sender=party, state="unknown")
    if sender.state != "active":
        raise ProblemError("sender_not_active", sender=party, state=sender.state)
    found = sender.party(party)
    if found is None:
        raise ProblemError("envelope_malformed", fault="the sender has no such unit")
    return sender, found


def _elsewhere(directory: Directory, name: str) -> Known | None:
    """A peer's institution.

    Raises:
        ProblemError: `gateway_unreachable`, nothing can be learned of it now.
    """
    found = directory.remote(name)
    if found is None:
        raise ProblemError("gateway_unreachable")
    return None if found == "absent" else found


def _receiver(
    gateway: Gateway, directory: Directory, arrival: Arrival, facts: _Facts
) -> tuple[Known | None, Party, str]:
    name, party, country = arrival.receiver, arrival.envelope.aud, country_of(arrival.receiver)
    if gateway.is_home(country):
        receiver: Known | None = facts.home.get(name)
        if receiver is None or receiver.state in {"applied", "approved"}:
            raise ProblemError("receiver_unknown", receiver=party)
        target = receiver.target
    elif facts.source.peer is not None:
        # A message crosses two gateways at most.
        raise ProblemError("envelope_wrong_audience")
    else:
        peer = facts.peers.by_country.get(country)
        if peer is None:
            raise ProblemError("no_route", country=country)
        target = routes.gateway_target(peer.gateway)
        found = directory.remote(name)
        if found == "absent":
            raise ProblemError("receiver_unknown", receiver=party)
        receiver = found
    if receiver is None:
        # The peer cannot be asked now; it will judge for itself when the message gets there.
        return None, Party(party, country, UNKNOWN_TYPE, frozenset()), target
    receiving = receiver.party(party)
    if receiving is None:
        raise ProblemError("receiver_unknown", receiver=party)
    if receiver.state != "active":
        raise ProblemError("receiver_not_active", receiver=party, state=receiver.state)
    message_type = arrival.envelope.message_type
    if message_type not in receiver.message_types:
        raise ProblemError("message_type_not_accepted", receiver=party, message_type=message_type)
    return receiver, receiving, target


def _check_times(arrival: Arrival, facts: _Facts) -> None:
    envelope = arrival.envelope
    if envelope.iat > facts.epoch + _SKEW_SECONDS:
        raise ProblemError(
            "envelope_from_future",
            issued_at=_moment(envelope.iat),
            server_time=_moment(facts.epoch),
        )
    if envelope.exp <= facts.epoch:
        raise ProblemError(
            "envelope_expired", expired_at=_moment(envelope.exp), server_time=_moment(facts.epoch)
        )
    if envelope.exp - envelope.iat > _MAX_LIFETIME_SECONDS:
        raise ProblemError("envelope_lifetime", limit_days=MAX_LIFETIME.days)


def _moment(epoch: int) -> str:
    return leaves.moment(datetime.fromtimestamp(epoch, tz=UTC))


def _check_shape(arrival: Arrival, facts: _Facts) -> None:
    envelope = arrival.envelope
    if envelope.content is not None and envelope.content.count(".") != _SEALED_DOTS:
        raise ProblemError("envelope_malformed", fault="the content is not a sealed token")
    if arrival.kind.message_class == "content" and envelope.content is None:
        raise ProblemError("envelope_malformed", fault="this message type carries sealed content")
    if envelope.withdrawn and not arrival.kind.ends_grants:
        raise ProblemError("envelope_malformed", fault="this message type ends no grants")
    if envelope.message_type == CONSENT_WITHDRAWN.id and not envelope.withdrawn:
        raise ProblemError("envelope_malformed", fault="a withdrawal names withdrawn grants")
    for grant_id in envelope.withdrawn:
        if arrival.sender not in facts.issuers.get(grant_id, {arrival.sender}):
            raise ProblemError("grant_invalid", fault="only its issuer withdraws a grant")


def _check_grants(
    directory: Directory, slices: SliceReader, arrival: Arrival, facts: _Facts
) -> None:
    envelope = arrival.envelope
    if not arrival.grants and envelope.basis is not None:
        return  # another basis than consent: policy decides
    for token in arrival.grants:
        issuer = token.claims.iss
        found = facts.home.get(issuer)
        if found is None and country_of(issuer) in facts.peers.by_country:
            found = _elsewhere(directory, issuer)
        if found is None:
            raise ProblemError("grant_invalid", fault="the issuer of a grant is not known here")
        if not slices.is_signed(token, found.signing):
            raise ProblemError("grant_invalid", fault="the issuer did not sign a grant")
    coverage.check_slices(
        [token.claims for token in arrival.grants],
        sender=envelope.iss,
        receiver=envelope.aud,
        purpose=envelope.purpose,
        categories=envelope.categories,
        now=facts.epoch,
    )
    for token in arrival.grants:
        if (token.claims.jti, token.claims.iss) in facts.withdrawn:
            raise ProblemError("grant_not_live", grant_state="withdrawn")


def _check_policy(gateway: Gateway, arrival: Arrival, sender: Party, receiver: Party) -> str:
    envelope = arrival.envelope
    ruling = _ruling(arrival, sender, receiver)
    other_basis = envelope.basis.basis if envelope.basis else "none"
    decision = gateway.policy.decide(
        Question(
            sender=sender,
            receiver=receiver,
            message_class=arrival.kind.message_class,
            message_type=envelope.message_type,
            purpose=envelope.purpose or "",
            categories=tuple(envelope.categories),
            basis="consent" if arrival.grants else other_basis,
            lawful=ruling.allowed,
            triage=envelope.triage or "",
            agreement=True,  # without one there would be no route
            test=envelope.test,
        )
    )
    if not decision.permitted:
        unlawful = decision.rule == NO_POLICY and not ruling.allowed
        raise ProblemError("policy_denied", rule=ruling.rule if unlawful else decision.rule)
    return ruling.rule if decision.rule == LAWFUL_BASIS else decision.rule


def _ruling(arrival: Arrival, sender: Party, receiver: Party) -> Ruling:
    """What the law says of sending this without consent, if it is sent so."""
    basis = arrival.envelope.basis
    if arrival.grants:
        return Ruling(allowed=True, rule="consent")
    if basis is None:
        return Ruling(allowed=False, rule=NO_POLICY)
    return rule_on(
        basis.basis,
        authority=basis.authority,
        purpose=arrival.envelope.purpose,
        sender=_side(sender),
        receiver=_side(receiver),
    )


def _side(party: Party) -> Side:
    known = party.type != UNKNOWN_TYPE
    return Side(party.id, party.type if known else None, party.mandates)


def _check_mandate(arrival: Arrival, receiver: Known | None) -> None:
    envelope = arrival.envelope
    if receiver is None or envelope.message_type != REFERRAL_SUBMITTED.id:
        return
    route = pathways().get(envelope.pathway)
    if route is None:
        return  # sealed, or a route of a later contract
    held = receiver.profile.mandates_of(envelope.aud) or frozenset()
    if not held & set(route.receiver_mandates):
        raise ProblemError(
            "receiver_lacks_mandate",
            receiver=envelope.aud,
            mandates=list(route.receiver_mandates),
            offered=[],
        )
