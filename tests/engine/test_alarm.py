from __future__ import annotations

import inspect
import re
import threading
import time

from dbos import _dbos, _queue

from adw.engine import upstream
from adw.engine.upstream import Alarm


def test_upstream_sleeps_on_the_event_it_is_given_and_on_nothing_else():
    assert list(inspect.signature(upstream._LOOK_INTO).parameters) == ["stop_event", "dbos", "queue"]
    source = inspect.getsource(upstream._LOOK_INTO)
    assert source.count("stop_event.wait(timeout=") == 1
    assert set(re.findall(r"stop_event\.(\w+)", source)) == {"is_set", "wait"}
    assert "sleep(" not in source
    assert "target=queue_worker_thread" in inspect.getsource(_queue.queue_thread), "it is looked up when it starts"


def test_a_ring_ends_the_sleep_even_when_it_came_before_it():
    alarm = Alarm()
    alarm.ring()
    began = time.monotonic()
    assert alarm.wait(30) is False
    ringing = threading.Timer(0.01, alarm.ring)
    ringing.start()
    assert alarm.wait(30) is False
    ringing.join()
    assert time.monotonic() - began < 10


def test_told_to_stop_it_neither_sleeps_nor_goes_on():
    alarm = Alarm()
    assert not alarm.is_set()
    alarm.stop()
    assert alarm.wait(30) is True
    assert alarm.is_set()


def test_what_nobody_uses_is_left_out_of_a_launch(monkeypatch):
    """Upstream looks both threads' work up where we replace it, when it launches."""
    names = {"dynamic_scheduler_loop", "background_jobs_thread"}
    for name in names:
        assert f"target={name}," in inspect.getsource(_dbos.DBOS._launch)
        monkeypatch.setattr(_dbos, name, getattr(_dbos, name))
    upstream.leave_out_what_nobody_uses()
    assert {vars(_dbos)[name] for name in names} == {upstream._nothing}
