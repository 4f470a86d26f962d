from tally import Line, needs_reminder


def test_who_owes_much_is_reminded():
    assert needs_reminder([Line("charge", 2000)])
    assert not needs_reminder([Line("charge", 2000), Line("payment", 1600)])
