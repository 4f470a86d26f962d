from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.admission import (
    AGEING_S,
    Because,
    Parent,
    Queued,
    QueueReason,
    Share,
    Situation,
    decide,
    is_done,
    is_news,
)
from adw.domain.shortage import RELIEF, Headroom, Shortage, shortage_of
from adw.domain.status import PrState, Status

MB = 1024 * 1024
PARENT = Parent(adw_id="1a2b3c4d", status=Status.ACTIVE, pr_state=PrState.NONE)
projects = st.sampled_from(["a", "b", "c"])
waiting = st.builds(
    Queued,
    adw_id=st.uuids().map(lambda each: each.hex[:8]),
    project_id=projects,
    priority=st.integers(-2, 2),
    waited_s=st.floats(0, 3 * AGEING_S),
    project_limit=st.none() | st.integers(1, 3),
    unmet=st.sampled_from([(), (PARENT,)]),
)
queues = st.lists(waiting, max_size=12, unique_by=lambda each: each.adw_id)
situations = st.builds(
    Situation,
    slots=st.integers(1, 6),
    per_project=st.none() | st.integers(1, 3),
    shares=st.dictionaries(
        projects, st.builds(Share, active=st.integers(0, 3), unserved_s=st.none() | st.floats(0, 9))
    ),
    shortage=st.none() | st.just(Shortage(kind="disk", detail="waiting for disk space")),
)


def queued(adw_id: str, project: str = "a", **changes):
    return Queued(**({"adw_id": adw_id, "project_id": project, "priority": 0, "waited_s": 0.0} | changes))


def run_down(queue, situation, *, finish=lambda active: active.pop(0)):
    """Starts and ends until the queue is empty; who started, in order."""
    queue, order, active = list(queue), [], []
    while queue:
        decision = decide(queue, situation)
        if decision.start is None:
            done = finish(active)
            situation = with_active(situation, done.project_id, -1)
            continue
        order.append(decision.start)
        active.append(decision.start)
        queue.remove(decision.start)
        situation = with_active(situation, decision.start.project_id, 1)
    return order


def with_active(situation, project, change):
    """Every other project waits a moment longer."""
    shares = {name: replace(share, unserved_s=(share.unserved_s or 0) + 1) for name, share in situation.shares.items()}
    mine = situation.share(project)
    shares[project] = Share(active=mine.active + change, unserved_s=0.0 if change > 0 else mine.unserved_s)
    return replace(situation, shares=shares)


@given(queue=queues, situation=situations)
def test_nobody_starts_beyond_a_limit_and_everybody_kept_is_told_why(queue, situation):
    decision = decide(queue, situation)
    free = [each for each in queue if each.adw_id not in decision.waits]
    assert (decision.start is None) == (not free)
    if decision.start is None:
        return
    start = decision.start
    limit = situation.limit_of(start)
    assert situation.shortage is None
    assert not start.unmet
    assert situation.active < situation.slots
    assert limit is None or situation.share(start.project_id).active < limit
    assert start.urgency == max(each.urgency for each in free)


@given(queue=queues, situation=situations)
def test_the_order_in_which_the_queue_is_read_does_not_matter(queue, situation):
    assert decide(queue, situation) == decide(list(reversed(queue)), situation)


@given(counts=st.dictionaries(projects, st.integers(1, 8), min_size=2), slots=st.integers(1, 4))
def test_no_project_starves_another_of_the_same_urgency(counts, slots):
    queue = [queued(f"{project}{n}", project, waited_s=float(n)) for project in counts for n in range(counts[project])]
    order = run_down(queue, Situation(slots=slots))
    for end in range(1, len(order) + 1):
        begun = Counter(each.project_id for each in order[:end])
        hungry = [project for project in counts if begun[project] < counts[project]]
        most = max(begun.values())
        assert all(begun[project] >= most - 1 - slots for project in hungry)


def test_the_urgent_start_first_and_the_old_grow_urgent():
    old, new = queued("old", waited_s=5 * AGEING_S), queued("new", priority=4)
    assert decide([new, queued("plain")], Situation(slots=1)).start is new
    assert decide([new, old], Situation(slots=1)).start is old
    assert decide([replace(new, priority=6), old], Situation(slots=1)).start == replace(new, priority=6)


def test_of_equally_urgent_ones_the_project_with_least_active_then_longest_unserved_then_the_oldest_starts():
    shares = {"a": Share(active=1), "b": Share(unserved_s=5.0), "c": Share(unserved_s=9.0)}
    situation = Situation(slots=9, shares=shares)
    everybody = [queued("a1", "a", waited_s=99.0), queued("b1", "b", waited_s=50.0), queued("c1", "c")]
    assert decide(everybody, situation).start == everybody[2]
    assert decide(everybody[:2], situation).start == everybody[1]
    assert decide([*everybody, queued("d1", "d")], situation).start == queued("d1", "d"), "never served at all"
    assert decide([queued("a2", "a"), everybody[0]], situation).start == everybody[0]


@pytest.mark.parametrize(
    ("situation", "changes", "reason", "words"),
    [
        (
            Situation(slots=3, shares={"b": Share(active=3)}),
            {},
            QueueReason.SLOTS,
            "waiting for a slot (3 of 3 in use)",
        ),
        (Situation(slots=3, per_project=1, shares={"a": Share(active=1)}), {}, QueueReason.PROJECT_LIMIT, "1 of 1"),
        (Situation(slots=9, shares={"a": Share(active=2)}), {"project_limit": 2}, QueueReason.PROJECT_LIMIT, "2 of 2"),
        (Situation(slots=3, shortage=Shortage(kind="memory", detail="m")), {}, QueueReason.MEMORY, "m"),
        (Situation(slots=3), {"unmet": (PARENT,)}, QueueReason.DEPENDS_ON, "waits for 1a2b3c4d, which is active"),
    ],
)
def test_each_reason_in_words(situation, changes, reason, words):
    because = decide([queued("x", **changes)], situation).waits["x"]
    assert because.reason is reason
    assert words in because.detail


@pytest.mark.parametrize(
    ("status", "pr_state", "words"),
    [
        (Status.FAILED, PrState.NONE, "adw workflow retry 1a2b3c4d"),
        (Status.CANCELLED, PrState.NONE, "cancel this one"),
        (Status.COMPLETED, PrState.CLOSED, "whose pull request was closed and will never be done"),
        (Status.QUEUED, PrState.NONE, "which is queued itself"),
    ],
)
def test_a_parent_that_needs_somebody_is_named_first_with_what_to_do(status, pr_state, words):
    needy = Parent(adw_id="1a2b3c4d", status=status, pr_state=pr_state)
    unmet = (replace(PARENT, adw_id="99999999"), needy)
    child = queued("x", unmet=unmet if status is not Status.QUEUED else (needy,))
    because = decide([child], Situation(slots=1)).waits["x"]
    assert words in because.detail
    assert "1a2b3c4d" in because.detail


def test_done_is_completed_without_a_pull_request_or_merged_whatever_its_status():
    done = {pair for pair in product(Status, PrState) if is_done(*pair)}
    merged = {(status, PrState.MERGED) for status in Status}
    assert done == merged | {(Status.COMPLETED, PrState.NONE)}


def test_new_work_waits_while_as_many_pull_requests_wait_for_people_as_may():
    situation = Situation(slots=5, shares={"p": Share(waiting_for_people=2)})
    held, free, round_ = (
        replace(queued("new"), project_id="p", open_limit=2),
        replace(queued("more"), project_id="p", open_limit=3),
        replace(queued("round"), project_id="p"),
    )
    because = decide([held], situation).waits["new"]
    assert because.reason is QueueReason.OPEN_PULL_REQUESTS
    assert "2 pull requests" in because.detail
    assert decide([held, free], situation).start == free
    assert decide([held, round_], situation).start == round_


def test_counts_that_change_are_no_news_but_reasons_and_parents_are():
    slots = Because(reason=QueueReason.SLOTS, detail="3 of 3")
    parent = Because(reason=QueueReason.DEPENDS_ON, detail="which is active")
    assert is_news(None, slots)
    assert not is_news(slots, replace(slots, detail="4 of 3"))
    assert is_news(slots, parent)
    assert is_news(parent, replace(parent, detail="which has failed"))


@pytest.mark.parametrize(
    ("kind", "low", "hardly", "enough"),
    [
        ("disk", {"free_disk": 99 * MB}, {"free_disk": 105 * MB}, {"free_disk": 111 * MB}),
        ("memory", {"available_memory": 1}, {"available_memory": 105 * MB}, {"available_memory": 111 * MB}),
        ("cpu", {"load_per_core": 5.0}, {"load_per_core": 3.9}, {"load_per_core": 3.0}),
    ],
)
def test_what_is_short_stays_short_until_it_is_clearly_better(kind, low, hardly, enough):
    room = Headroom(least_disk=100 * MB, least_memory=100 * MB, most_load_per_core=4)
    assert RELIEF == 1.1
    found = shortage_of(replace(room, **low))
    assert found is not None
    assert found.kind == kind
    assert shortage_of(replace(room, **hardly)) is None
    assert shortage_of(replace(room, **hardly), before=found) == found
    assert shortage_of(replace(room, **enough), before=found) is None


def test_a_high_load_counts_only_while_something_waits_for_a_processor_and_a_limit_is_set():
    busy = Headroom(load_per_core=50.0, contended_percent=90.0, most_load_per_core=16)
    assert shortage_of(busy)
    assert shortage_of(replace(busy, contended_percent=None))
    assert shortage_of(replace(busy, contended_percent=1.0)) is None
    assert shortage_of(replace(busy, most_load_per_core=0)) is None
    assert shortage_of(replace(busy, load_per_core=None)) is None


def test_agents_that_are_due_to_start_keep_new_work_back():
    found = shortage_of(Headroom(), starts_due_s=11)
    assert found is not None
    assert found.kind == "start_rate"
    assert shortage_of(Headroom(), starts_due_s=9.5, before=found) == found
    assert shortage_of(Headroom(), starts_due_s=9.5) is None
