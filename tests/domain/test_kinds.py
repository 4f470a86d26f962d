from __future__ import annotations

import pytest

from adw.domain.kinds import KINDS, PHASE_WORDS, VERIFYING, Phase, normalise_kind, phases_of
from adw.kit.errors import UsageError


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_found_however_it_is_written_and_ends_with_finish(kind):
    for way in (kind, kind.replace("-", "_"), kind.upper(), f" {kind} "):
        assert normalise_kind(way) == kind
        assert phases_of(way) == KINDS[kind]
    assert KINDS[kind][-1] is Phase.FINISH
    assert KINDS[kind].count(Phase.FINISH) == 1
    assert len(set(KINDS[kind])) == len(KINDS[kind])


@pytest.mark.parametrize(
    ("wrong", "suggestion"),
    [("plan-bild", "`plan-build`"), ("plan_build_tset", "`plan-build-test`"), ("pln", "`plan`")],
)
def test_a_mistyped_kind_is_answered_with_the_nearest(wrong, suggestion):
    with pytest.raises(UsageError) as refused:
        normalise_kind(wrong)
    assert f"did you mean {suggestion}" in (refused.value.hint or "")


@pytest.mark.parametrize("wrong", ["", "zzzzzz", "\0", "plan build"])
def test_an_unknown_kind_is_answered_with_all_there_are(wrong):
    with pytest.raises(UsageError) as refused:
        normalise_kind(wrong)
    assert all(kind in (refused.value.hint or "") for kind in KINDS)


def test_every_phase_has_words_for_running_and_done():
    assert set(PHASE_WORDS) == set(Phase)
    words = [word for each in PHASE_WORDS.values() for word in (each.running, each.done)]
    assert len(set(words)) == len(words)
    assert set(Phase) >= VERIFYING
