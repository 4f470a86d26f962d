from __future__ import annotations

import os
import subprocess
import time

from adw.kit.process import ProcessIdentity, host_identity, identify, is_alive, sweep_orphans


def test_this_process_is_alive_and_keeps_its_identity():
    me = identify()
    assert me is not None
    assert me.pid == os.getpid()
    assert is_alive(me)
    assert identify(os.getpid()) == me


def test_a_pid_with_another_start_time_is_another_process():
    me = identify()
    reused = ProcessIdentity(pid=me.pid, started_at=me.started_at - 1)
    assert not is_alive(reused)
    assert sweep_orphans([reused]) == 0


def test_a_zombie_is_dead():
    child = subprocess.Popen(["sleep", "1000"])
    try:
        identity = identify(child.pid)
        assert is_alive(identity)
        child.kill()
        deadline = time.monotonic() + 10
        while is_alive(identity):
            assert time.monotonic() < deadline
        os.kill(child.pid, 0)
        assert identify(child.pid) is None
    finally:
        child.kill()
        child.wait()
    assert not is_alive(identity)


def test_no_process_has_a_pid_below_one():
    assert not is_alive(ProcessIdentity(pid=0, started_at=0))
    assert not is_alive(ProcessIdentity(pid=-1, started_at=0))


def test_the_host_has_one_name_and_it_is_stable():
    assert host_identity() == host_identity()
    assert len(host_identity()) == 32
