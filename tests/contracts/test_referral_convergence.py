"""Two copies of one referral, an adversary as the network, and the law that the copies meet."""

from dataclasses import dataclass, field
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from relevo.contracts.lifecycles.referral import (
    OUTCOMES,
    STATES,
    TRANSITIONS,
    Actor,
    Event,
    Replay,
    State,
    may_move,
    replay,
)

SUBMITTED: Final = Event(0, "submitted", "sender")
STEPS: Final = 25


@dataclass
class Copy:
    """One node's events of a referral, as they came."""

    side: Actor
    events: list[Event] = field(default_factory=list)

    def standing(self) -> Replay:
        return replay(self.events)

    def legal(self) -> list[State]:
        standing = self.standing()
        return sorted(
            to
            for here, to in TRANSITIONS
            if here == standing.state and may_move(here, to, self.side, standing.way_back)
        )


@dataclass
class Network:
    """Holds what was sent, for ever: it may delay, repeat, reorder and lose, never invent.

    A loss is a delivery that does not come; what is not yet acknowledged is sent again at the end.
    """

    sent: dict[Actor, list[Event]] = field(default_factory=lambda: {"sender": [], "receiver": []})

    def send(self, to: Actor, event: Event) -> None:
        self.sent[to].append(event)


def write(copy: Copy, network: Network, state: State) -> Event:
    event = Event(copy.standing().next_seq, state, copy.side)
    copy.events.append(event)
    network.send("receiver" if copy.side == "sender" else "sender", event)
    return event


def settle(data: st.DataObject, network: Network, copies: dict[Actor, Copy]) -> None:
    """Everything is retried until it arrives, in an order of the adversary's choice."""
    for side, copy in copies.items():
        copy.events += data.draw(st.permutations(network.sent[side]))


def play(data: st.DataObject, *, sender_gives_up: bool) -> dict[Actor, Copy]:
    network = Network()
    copies: dict[Actor, Copy] = {"sender": Copy("sender"), "receiver": Copy("receiver")}
    copies["sender"].events.append(SUBMITTED)
    network.send("receiver", SUBMITTED)
    for _ in range(data.draw(st.integers(0, STEPS))):
        side: Actor = data.draw(st.sampled_from(["sender", "receiver"]))
        copy = copies[side]
        waiting = network.sent[side]
        hears = data.draw(st.booleans())
        if waiting and hears:
            copy.events.append(data.draw(st.sampled_from(waiting)))
            continue
        moves = copy.legal() if SUBMITTED in copy.events else []
        if not sender_gives_up and copy.standing().state == "submitted" and side == "sender":
            continue
        if moves:
            write(copy, network, data.draw(st.sampled_from(moves)))
    settle(data, network, copies)
    return copies


@given(st.data())
def test_both_copies_meet_whatever_the_network_does(data: st.DataObject) -> None:
    copies = play(data, sender_gives_up=False)
    sender, receiver = copies["sender"].standing(), copies["receiver"].standing()
    assert sender == receiver
    assert sender.waiting == ()
    assert sender.inapplicable == (), "one writer at a time: nothing that was written is in vain"


@given(st.data())
def test_both_copies_meet_when_the_sender_gave_up_too_early(data: st.DataObject) -> None:
    """It wrote `expired` on a receipt while `received` was on its way: the late `received` wins."""
    copies = play(data, sender_gives_up=True)
    sender, receiver = copies["sender"].standing(), copies["receiver"].standing()
    assert sender == receiver
    if Event(1, "received", "receiver") in copies["receiver"].events:
        assert sender.state not in {"submitted", "draft"}
        assert 1 in sender.applied


events = st.builds(
    Event,
    seq=st.integers(0, 8),
    state=st.sampled_from(STATES),
    actor=st.sampled_from(("sender", "receiver")),
)


@given(st.lists(events, max_size=20), st.data())
def test_any_events_at_all_are_read_alike_in_any_order(
    some: list[Event], data: st.DataObject
) -> None:
    """Even what an erring node made up: same events, same reading."""
    read = replay(some)
    again = [
        *data.draw(st.permutations(some)),
        *(data.draw(st.lists(st.sampled_from(some))) if some else []),
    ]
    assert replay(again) == read


@given(st.lists(events, max_size=20))
def test_a_reading_accounts_for_every_number(some: list[Event]) -> None:
    read = replay(some)
    numbers = {event.seq for event in some}
    assert set(read.applied) | set(read.inapplicable) | set(read.waiting) == numbers
    assert set(read.applied) | set(read.inapplicable) == set(range(read.next_seq))
    assert read.next_seq not in numbers
    assert all(number > read.next_seq for number in read.waiting)
    assert list(read.applied) == sorted(set(read.applied))


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    history = [SUBMITTED]
    for _ in range(draw(st.integers(0, 12))):
        here = replay(history)
        moves = sorted(
            (to, by)
            for (come_from, to), by in TRANSITIONS.items()
            if come_from == here.state and may_move(come_from, to, by, here.way_back)
        )
        if not moves:
            break
        to, by = draw(st.sampled_from(moves))
        history.append(Event(len(history), to, by))
    return history


@given(histories(), st.data())
def test_a_copy_with_gaps_stands_where_the_history_stood_then(
    history: list[Event], data: st.DataObject
) -> None:
    """A copy never runs ahead of what it knows, and never stands where the history did not."""
    held = data.draw(st.sets(st.sampled_from(history)))
    read = replay(held)
    assert read.state == history[max(read.next_seq - 1, 0)].state
    assert len(read.applied) == read.next_seq
    assert set(read.waiting) == {event.seq for event in held} - set(range(read.next_seq))


@given(
    histories(),
    st.integers(0, 12),
    st.sampled_from(STATES),
    st.sampled_from(("sender", "receiver")),
)
def test_a_stray_event_beside_a_legal_history_moves_both_copies_alike(
    history: list[Event], seq: int, state: State, actor: Actor
) -> None:
    stray = Event(seq, state, actor)
    assert replay([*history, stray]) == replay([stray, *reversed(history)])


@given(histories())
@settings(max_examples=200)
def test_after_an_outcome_the_sender_alone_has_a_word(history: list[Event]) -> None:
    states = [event.state for event in history]
    for position, state in enumerate(states[:-1]):
        if state in OUTCOMES:
            after = history[position + 1 :]
            assert {event.actor for event in after} == {"sender"}
            assert states[position + 1] in {"closed", "entered_in_error"}
            assert len(after) <= 2
