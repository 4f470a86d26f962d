from tally import Line, balance, closing_line


def test_an_empty_statement_owes_nothing():
    assert balance([]) == 0


def test_charges_add_up():
    assert balance([Line("charge", 1250), Line("charge", 750)]) == 2000


def test_a_payment_lowers_what_is_owed():
    assert balance([Line("charge", 2000), Line("payment", 1500)]) == 500


def test_a_note_does_not_change_the_balance():
    assert balance([Line("charge", 2000), Line("note", 300)]) == 2000


def test_the_closing_line_asks_for_what_is_owed():
    assert closing_line([Line("charge", 1205)]) == "Please pay 12.05."


def test_the_closing_line_tells_a_credit():
    assert closing_line([Line("payment", 990)]) == "9.90 in your favour."
