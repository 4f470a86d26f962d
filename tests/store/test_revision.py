"""The revision that is written down is the newest migration there is."""

from alembic.script import ScriptDirectory

from adw.store import migrations


def test_the_head_written_down_is_that_of_the_migrations():
    script = ScriptDirectory.from_config(migrations._config())

    assert script.get_current_head() == migrations.HEAD
    assert migrations.MIN_COMPATIBLE <= migrations.HEAD
