"""The admin as the staff meet it, in a real Chromium: someone logged in, and a page that is watched."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, Page

from tests.live import USERS, Site


class Desk:
    """A member of the staff's browser. ``mishaps`` is all that must not happen in its pages."""

    def __init__(
        self, browser: Browser, site: Site, name: str = "admin", **options: object
    ) -> None:
        self.site = site
        self.mishaps: list[str] = []
        self.context: BrowserContext = browser.new_context(**options)  # type: ignore[arg-type]  # Playwright's own options, passed on
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self._watch(self.page)
        self.log_in(name)

    def log_in(self, name: str) -> None:
        self.page.goto(f"{self.site.url}/admin/login/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(USERS[name])
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/admin/")

    def open(self, path: str) -> Page:
        """A page of the admin of this app."""
        self.page.goto(f"{self.site.url}/admin/chatkit_app/{path}")
        return self.page

    def close(self) -> None:
        self.context.close()

    def _watch(self, page: Page) -> None:
        note = self.mishaps.append
        page.on("pageerror", lambda error: note(f"error: {error}"))
        page.on("dialog", lambda dialog: note(f"dialog: {dialog.message}"))
        page.on(
            "console",
            lambda said: (
                note(f"console: {said.text}")
                if "Content Security Policy" in said.text  # of tests/admin_policy.py
                else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((self.site.url, "data:"))
                else note(f"request: {request.url}")
            ),
        )
