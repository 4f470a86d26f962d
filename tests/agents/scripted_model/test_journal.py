from __future__ import annotations

from adw.agents.scripted_model import Journal, JournalEntry, journal


def test_totals_count_every_request_though_old_entries_go(monkeypatch):
    monkeypatch.setattr(journal, "_KEPT_ENTRIES", 2)
    book = Journal()
    for number in range(3):
        book.record(JournalEntry(path=str(number), status=200, message_id="m", input_tokens=2, output_tokens=1))
    assert [entry.path for entry in book.entries] == ["1", "2"]
    assert book.as_json()["totals"] == {"requests": 3, "answered": 3, "input_tokens": 6, "output_tokens": 3}


def test_sightings_are_counted_for_the_latest_requests(monkeypatch):
    monkeypatch.setattr(journal, "_KEPT_ENTRIES", 2)
    book = Journal()
    assert [book.sighting(digest) for digest in "aabac"] == [0, 1, 0, 2, 0]
    assert [book.sighting(digest) for digest in "ab"] == [3, 0]
