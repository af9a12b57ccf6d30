"""A real Chromium before the real site."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.chat import Chat
from tests.live import Site

SECONDS_BETWEEN_WORDS = "0.03"
CHROMIUM_OPTIONS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

OpenChat = Callable[..., Chat]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
    # Last, for Playwright's own event loop, once started, stands in the way of every async test.
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def server() -> Iterator[Site]:
    """A site whose model writes slowly enough to be watched."""
    site = Site(CHATKIT_TEST_DELAY=SECONDS_BETWEEN_WORDS)
    try:
        yield site.make()
    finally:
        site.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    options = [*CHROMIUM_OPTIONS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, server: Site) -> Iterator[OpenChat]:
    """Open the chat: ``visit()``, with options of a browser context, or ``beside=`` another tab.

    No test ends well if a script of a page fell, or something was fetched from elsewhere.
    """
    contexts: list[BrowserContext] = []
    mishaps: list[str] = []

    def open_chat(
        *, beside: Chat | None = None, script: str = "", **options: object
    ) -> Chat:
        context = beside.page.context if beside else chromium.new_context(**options)  # type: ignore[arg-type]  # Playwright's own options, passed on
        if beside is None:
            contexts.append(context)
            context.set_default_timeout(15_000)
        page = context.new_page()
        _watch(page, server.url, mishaps)
        if script:
            page.add_init_script(script)
        page.goto(server.url)
        return Chat(page)

    yield open_chat
    for context in contexts:
        context.close()
    assert mishaps == []


def _watch(page: Page, url: str, mishaps: list[str]) -> None:
    page.on("pageerror", lambda error: mishaps.append(f"error: {error}"))
    page.on("dialog", lambda dialog: mishaps.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((url, "data:", "blob:"))
            else mishaps.append(f"request: {request.url}")
        ),
    )
