"""SQLite that says it were MySQL: enough for those who ask a database for its vendor."""

from __future__ import annotations

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    vendor = "mysql"
    display_name = "MySQL by name"
