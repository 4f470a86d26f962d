from __future__ import annotations

import pytest

from adw.domain.kinds import (
    KINDS,
    MERGING,
    ON_EARLIER_WORK,
    PHASE_WORDS,
    VERIFYING,
    Phase,
    check_earlier,
    normalise_kind,
    phase_words,
    phases_of,
)
from adw.kit.errors import UsageError


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_found_however_it_is_written_and_ends_with_finish(kind):
    for way in (kind, kind.replace("-", "_"), kind.upper(), f" {kind} "):
        assert normalise_kind(way) == kind
        assert phases_of(way) == KINDS[kind]
    assert KINDS[kind][-1] in {Phase.FINISH, Phase.SHIP}
    assert sum(KINDS[kind].count(last) for last in (Phase.FINISH, Phase.SHIP)) == 1
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
    words = [word for name in [*Phase, "translate"] for word in (phase_words(name).running, phase_words(name).done)]
    assert len(set(words)) == len(words)
    assert phase_words("translate").done == "done:translate"
    assert set(PHASE_WORDS) < set(Phase)
    assert set(Phase) >= VERIFYING


def test_a_repository_may_add_kinds_of_its_own():
    defined = {"Tidy_Up": ["plan", "tidy"], "release": ["build", "ship"]}
    assert phases_of("tidy-up", defined=defined) == ("plan", "tidy", "finish")
    assert phases_of("release", defined=defined) == ("build", "ship")
    assert phases_of("sdlc_zte", defined=defined) == KINDS["zte"]
    with pytest.raises(UsageError) as refused:
        normalise_kind("tidy-upp", defined=defined)
    assert "did you mean `tidy-up`" in (refused.value.hint or "")


@pytest.mark.parametrize("kind", [*KINDS, "of-our-own", "sdlc_zte"])
def test_earlier_work_is_named_exactly_for_single_phases(kind):
    goes_on = kind in ON_EARLIER_WORK
    for on, is_right in ((None, not goes_on), ("abcd1234", goes_on), (" ", False), ("a\nb", False)):
        if is_right:
            check_earlier(kind, on=on)
            continue
        with pytest.raises(UsageError) as refused:
            check_earlier(kind, on=on)
        assert refused.value.hint


def test_only_zte_merges_and_single_phases_other_than_plan_need_earlier_work():
    assert {"zte"} == MERGING
    assert {kind for kind, phases in KINDS.items() if "plan" not in phases} == ON_EARLIER_WORK
