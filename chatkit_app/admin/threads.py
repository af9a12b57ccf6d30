"""Threads: the list of them, and a page for each."""

from __future__ import annotations

from django.contrib import admin

from chatkit_app.admin.thread_list import ThreadList
from chatkit_app.admin.thread_page import ThreadPage
from chatkit_app.models import Thread


@admin.register(Thread)
class ThreadAdmin(ThreadList, ThreadPage):
    """The list, and each thread's timeline. What was said is for those who may read content."""
