"""Tickets of one incident in one transaction: who has to hear what of the others, after each of them was decided."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from services.dispatch import store
from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.family_words import FAMILY_WORDS, ChildJoined, ChildLeft, FamilyWord
from services.dispatch.core.incidents import answer_to_child, sequels, word_to_children
from services.dispatch.hands import Cause, Hand
from shared.database import Transaction
from shared.terms import TicketId


async def words(
    tx: Transaction, done: Mapping[TicketId, Sequence[Cause]], were: Mapping[TicketId, Case | None],
    hands: Mapping[TicketId, Hand],
) -> dict[TicketId, list[Cause]]:  # fmt: skip
    """The causes that follow for other tickets; `were` are the cases before, `hands` what they are now."""
    told: defaultdict[TicketId, list[FamilyWord]] = defaultdict(list)
    for ticket_id, causes in done.items():
        after = hands[ticket_id].case
        if after is None:
            continue
        heard = [cause.trigger for cause in causes if isinstance(cause.trigger, FAMILY_WORDS)]
        for to, word in sequels(were[ticket_id], after, heard[0] if heard else None):
            told[to].append(word)
        for joined in [word for word in heard if isinstance(word, ChildJoined)]:
            if (answer := answer_to_child(after)) is not None:
                told[joined.ticket_id].append(answer)
    begun = {t for t in done if were[t] is None and (case := hands[t].case) and case.state is not TicketState.MERGED}
    ended = {t: ending for t in done if (case := hands[t].case) and (ending := word_to_children(were[t], case))}
    left = {to for to, said in told.items() if any(isinstance(word, ChildLeft) for word in said)}
    children = await _children(tx, {*begun, *ended, *left}, hands)
    for main in begun - ended.keys():
        told[main] += [ChildJoined(c.ticket_id, c.due_at, c.merge.own_follow_up) for c in children[main] if c.merge]
    for main, final in ended.items():
        for child in children[main]:
            told[child.ticket_id].append(final)
    for main in left:
        earliest = min((child.due_at for child in children[main]), default=None)
        told[main] = [ChildLeft(w.due_at, earliest) if isinstance(w, ChildLeft) else w for w in told[main]]
    return {to: [Cause(word, "incident") for word in dict.fromkeys(said)] for to, said in told.items()}


async def _children(
    tx: Transaction, mains: Iterable[TicketId], hands: Mapping[TicketId, Hand]
) -> defaultdict[TicketId, list[Case]]:
    """The tickets that wait for each of these, of which intake has said so, as they are now."""
    wanted = set(mains)
    stored = await store.read_children(tx, sorted(wanted)) if wanted else []
    cases = {case.ticket_id: case for case in stored}
    cases.update((t, hand.case) for t, hand in hands.items() if hand.case is not None)
    children: defaultdict[TicketId, list[Case]] = defaultdict(list)
    for case in cases.values():
        if case.state is TicketState.MERGED and case.merge and case.merge.is_said and case.merge.into in wanted:
            children[case.merge.into].append(case)
    return children
