"""PostgreSQL's index of the words in messages, which no model can say: elsewhere there is nothing to do.

What it indexes is what ``threads.search`` asks for, letter for letter, or it is not used.
"""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

NAME = "chatkit_message_words"


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    table = apps.get_model("chatkit_app", "Message")._meta.db_table
    schema_editor.execute(
        f"CREATE INDEX {NAME} ON {schema_editor.quote_name(table)}"
        " USING gin (to_tsvector('simple'::regconfig, left(text, 100000)))"
    )


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {NAME}")


class Migration(migrations.Migration):
    dependencies = [("chatkit_app", "0001_initial")]

    operations = [migrations.RunPython(make, drop)]
