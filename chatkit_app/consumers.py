"""The WebSocket edge: decode, ask, return. No frame ever waits for a run."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any
from uuid import UUID

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer

from chatkit_app import viewing
from chatkit_app.access import is_allowed_origin, viewer_of_scope
from chatkit_app.conf import settings
from chatkit_app.db import AWAY, in_thread, patiently
from chatkit_app.engine.commands import Answer, Command, Release, Resolve
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    ChatKitError,
    InvalidCommand,
    NoViewer,
    RateLimited,
    ThreadNotFound,
)
from chatkit_app.log.doorbell import doorbell
from chatkit_app.protocols import native
from chatkit_app.runs import answering, service
from chatkit_app.runs.draining import draining
from chatkit_app.runs.remembering import Outcome
from chatkit_app.runs.runner import runner
from chatkit_app.runs.subscription import Subscription, TooSlow, Unread
from chatkit_app.runs.tool_threads import call_in_thread, reply_threads
from chatkit_app.watching import News, news_of

logger = logging.getLogger(__name__)

CLOSE_TOO_SLOW = 4008
CLOSE_RESTARTING = 4012
CLOSE_BAD_FRAMES = 4400
CLOSE_NO_VIEWER = 4401
CLOSE_TOO_MANY_FRAMES = 4429
CLOSE_INTERNAL = 4500

SUBSCRIBE_AGAIN = 10
"""Frames as which a second subscribe to a thread counts: a snapshot is the dearest answer of all."""
STRIKES = 3
"""Frames that can't be read before the socket is closed."""
PING_SECONDS = 5.0
"""How often a page with claims is asked whether it is still there."""
SESSION_SECONDS = 60.0
"""How often an open socket's session is read again."""
READ_SECONDS = 30.0
"""What the site's own types and forms may take to read an answer."""
SEND_SECONDS = 20.0
"""Uvicorn's ``send`` waits for a page that does not read; we don't."""
ANSWER_SECONDS = 0.6
"""How long the answer to a command is waited for when the process ends."""
GONE = {
    ("autobahn.exception", "Disconnected"),
    ("uvicorn.protocols.utils", "ClientDisconnected"),
}
"""What the servers raise when the page has gone; by name, for a site has one server only."""


class ChatKitConsumer(AsyncWebsocketConsumer):
    """One page's socket: many threads, one viewer."""

    # None of this name exists: sockets hear of news through the process's doorbell, and a channel
    # for each would cost a subscription of the layer's.
    channel_layer_alias = "chatkit-none"

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the method for a message, without Channels' hop to its one database thread.

        It closes old connections there before each frame; ours live in ``chatkit_app.db``.
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Let in pages of this site that have a viewer."""
        if not is_allowed_origin(self.scope):
            await self.close()  # before accept: HTTP 403
            return
        draining.watch()
        self._subscriptions: dict[UUID, tuple[Subscription, asyncio.Task[None]]] = {}
        self._claims: dict[UUID, tuple[UUID, str]] = {}
        self._watching: list[asyncio.Task[None]] = []
        self._unread = Unread()
        self._seen_threads: set[UUID] = set()
        self._is_closed = False
        self._is_idle = asyncio.Event()
        self._strikes = 0
        self._tokens = 2.0 * settings.FRAMES_PER_SECOND
        self._seen_at = time.monotonic()
        self._tending: asyncio.Task[None] | None = None
        draining.join(self)
        try:
            await self._welcome()
        finally:
            self._is_idle.set()

    async def _welcome(self) -> None:
        self._viewer = await in_thread(viewer_of_scope, self.scope)
        if self._is_closed:
            return  # the process ends, and the database was too slow for it
        await self.accept()
        if self._viewer is None:
            await self.close(code=CLOSE_NO_VIEWER)
            return
        if draining.is_on:
            await self.close(code=CLOSE_RESTARTING)
            return
        runner.start()
        doorbell.start()
        self._tending = asyncio.create_task(self._tend(self._viewer))
        key, limit = self._viewer.key, settings.MAX_FRAME_BYTES
        await self.send(native.hello_frame(viewer=key, max_bytes=limit))

    async def disconnect(self, code: int) -> None:
        """Stop sending, and free the calls that this page was running."""
        if not hasattr(self, "_subscriptions"):
            return
        if self._tending is not None:
            self._tending.cancel()
        for task in [t for _, t in self._subscriptions.values()] + self._watching:
            task.cancel()
        draining.part(self)
        if draining.is_on:
            return  # the page is there, runs its calls, and comes back to another process
        for tool_call, (thread, tab) in self._claims.items():
            await self._release(thread, tool_call, tab)

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close once; what is still being sent stops."""
        if not getattr(self, "_is_closed", False):
            self._is_closed = True
            await super().close(code=code, reason=reason)

    async def send(  # type: ignore[override]  # as AsyncWebsocketConsumer has it
        self,
        text_data: str | None = None,
        bytes_data: bytes | None = None,
        close: bool = False,
    ) -> None:
        """Send a frame; after the closing nothing, for the servers take that amiss."""
        if not self._is_closed:
            await super().send(text_data, bytes_data, close)

    async def restart(self) -> None:
        """Close for the process's end, after the answer to what was asked before."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._is_idle.wait()
        await self.close(code=CLOSE_RESTARTING)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None
    ) -> None:
        """Read one frame and answer it; none any more once the process is told to end."""
        if self._viewer is None or draining.is_on:
            return
        self._is_idle.clear()
        try:
            await self._receive(text_data, self._viewer)
        finally:
            self._is_idle.set()

    async def _receive(self, text_data: str | None, viewer: Viewer) -> None:
        if not self._may_speak():
            await self.close(code=CLOSE_TOO_MANY_FRAMES)
            return
        try:
            if text_data is None:
                raise InvalidCommand("Frames are text.")
            frame = native.decode_frame(text_data, max_bytes=settings.MAX_FRAME_BYTES)
        except InvalidCommand as error:
            await self._refuse_frame(error, text_data)
            return
        try:
            await self._answer_frame(frame, viewer)
        except NoViewer:
            # They come back as who they are now, with the same command.
            await self.close(code=CLOSE_NO_VIEWER)
        except ChatKitError as error:
            await self._send_error(error, frame)
        except Exception:
            logger.exception("A %s frame could not be answered", frame.type)
            await self._send_error(
                _Internal("Something went wrong on our side."), frame
            )

    def _may_speak(self, cost: int = 1) -> bool:
        """A token bucket: so many frames a second, twice as many at once."""
        now = time.monotonic()
        rate = settings.FRAMES_PER_SECOND
        gained = (now - self._seen_at) * rate
        self._tokens = min(2.0 * rate, self._tokens + gained) - cost
        self._seen_at = now
        return self._tokens >= 0

    async def _refuse_frame(self, error: InvalidCommand, text: str | None) -> None:
        self._strikes += 1
        command_id = native.frame_id(text) if text else None
        await self.send(native.error_frame(error, command_id=command_id))
        if self._strikes >= STRIKES:
            await self.close(code=CLOSE_BAD_FRAMES)

    async def _send_error(
        self,
        error: ChatKitError,
        frame: native.ClientFrame,
    ) -> None:
        thread = getattr(frame, "thread", None)
        await self.send(
            native.error_frame(
                error, command_id=getattr(frame, "id", None), thread=thread
            )
        )

    async def _answer_frame(self, frame: native.ClientFrame, viewer: Viewer) -> None:
        match frame:
            case native.Subscribe():
                await self._subscribe(frame, viewer)
            case native.Unsubscribe():
                self._unsubscribe(frame.thread)
            case native.Watch():
                self._watch(viewer)
            case native.Acknowledge():
                if found := self._subscriptions.get(frame.thread):
                    found[0].acknowledge(frame.position)
            case native.Pong():
                by_tab: dict[str, list[UUID]] = {}
                for tool_call, (_thread, tab) in self._claims.items():
                    by_tab.setdefault(tab, []).append(tool_call)
                for tab, calls in by_tab.items():
                    await in_thread(answering.renew, tab, calls)
            case _:
                outcome = await self._do(viewer, frame.command())
                self._remember_claim(frame)
                await self.send(native.accepted_frame(frame.id, outcome))

    async def _do(self, viewer: Viewer, command: Command) -> Outcome:
        """Do what is asked; the site's own part of it in threads that nobody else waits for."""
        replies = None
        if isinstance(command, Answer | Resolve):
            try:
                async with asyncio.timeout(READ_SECONDS):
                    replies = await call_in_thread(
                        contextvars.copy_context(),
                        viewing.read,
                        *(self.scope, viewer, command),
                        threads=reply_threads,
                    )
            except AWAY:
                pass  # it is read below, patiently
            except TimeoutError as error:
                raise _Internal("The answer could not be read in time.") from error
        # A command may be done twice: its id is remembered with its outcome.
        return await patiently(viewing.handle, self.scope, viewer, command, replies)

    async def _subscribe(self, frame: native.Subscribe, viewer: Viewer) -> None:
        if frame.thread in self._seen_threads and not self._may_speak(SUBSCRIBE_AGAIN):
            await self.close(code=CLOSE_TOO_MANY_FRAMES)
            return

        async def check() -> None:
            await patiently(viewing.check_may_see, self.scope, viewer, frame.thread)

        await check()
        self._seen_threads.add(frame.thread)
        self._unsubscribe(frame.thread)
        if len(self._subscriptions) >= settings.THREADS_PER_SOCKET:
            raise RateLimited("This page watches too many threads.", retry_after=1.0)
        subscription = Subscription(frame.thread, self._unread, check)
        task = asyncio.create_task(
            self._pump(subscription, frame.epoch, frame.position)
        )
        self._subscriptions[frame.thread] = (subscription, task)

    def _watch(self, viewer: Viewer) -> None:
        """Tell what changes in the viewer's lists from now on; asked again, it goes on."""
        self._watching = self._watching or [
            asyncio.create_task(self._tell(news))
            for news in news_of(self.scope, viewer)
        ]

    def _unsubscribe(self, thread: UUID) -> None:
        if found := self._subscriptions.pop(thread, None):
            found[1].cancel()

    async def _pump(
        self, subscription: Subscription, epoch: str | None, position: int | None
    ) -> None:
        """Send a thread's frames as they come."""
        frames = subscription.frames(epoch, position)
        await self._send_all(frames, f"Thread {subscription.thread}")

    async def _tell(self, news: News) -> None:
        await self._send_all(news.frames(), "What is new")

    async def _send_all(self, coming: AsyncGenerator[str, None], what: str) -> None:
        """Send frames as they come, for as long as the page keeps up."""
        try:
            async with aclosing(coming) as frames:
                async for frame in frames:
                    await self._deliver(frame)
        except NoViewer:
            await self.close(code=CLOSE_NO_VIEWER)
        except (TooSlow, TimeoutError):
            await self.close(code=CLOSE_TOO_SLOW)
        except _Gone:
            pass  # it reloads or has left; its disconnect is on the way
        except Exception:
            logger.exception("%s can't be sent", what)
            await self.close(code=CLOSE_INTERNAL)

    async def _deliver(self, frame: str) -> None:
        """Send one frame, while the page is there."""
        if self._is_closed:
            raise _Gone
        native.check_size(frame)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self.send(text_data=frame)
        except Exception as error:
            if (type(error).__module__, type(error).__name__) in GONE:
                raise _Gone from error
            raise

    def _remember_claim(self, frame: native.CommandFrame) -> None:
        """Know which calls this page runs, to free them when it goes."""
        if isinstance(frame, native.ClaimFrame):
            self._claims[frame.tool_call] = (frame.thread, frame.tab)
        elif isinstance(frame, native.ReleaseFrame | native.AnswerFrame):
            self._claims.pop(frame.tool_call, None)

    async def _tend(self, viewer: Viewer) -> None:
        """Ask a page with claims whether it lives, and now and then whether it is still theirs.

        The asking is ours: in hidden tabs the page's own timers sleep. Since the handshake somebody
        may have logged out, or lost a right.
        """
        checked_at = time.monotonic()
        while True:
            await asyncio.sleep(PING_SECONDS)
            if self._claims:
                await self.send(native.ping_frame())
            if time.monotonic() - checked_at < SESSION_SECONDS:
                continue
            checked_at = time.monotonic()
            if not await self._is_still(viewer):
                await self.close(code=CLOSE_NO_VIEWER)
                return
            await self._look_away(viewer)

    async def _is_still(self, viewer: Viewer) -> bool:
        """Does the cookie still stand for the same viewer?"""
        try:
            await in_thread(viewing.check_viewer, self.scope, viewer)
        except NoViewer:
            return False
        except Exception:
            logger.warning("A session can't be read", exc_info=True)
        return True

    async def _look_away(self, viewer: Viewer) -> None:
        """Watch no thread any more that the viewer may not see by now."""
        ask, error = viewing.not_seen_any_more, ThreadNotFound("No such thread.")
        try:
            gone = await in_thread(ask, self.scope, viewer, [*self._subscriptions])
        except Exception:
            logger.warning("What is watched can't be checked", exc_info=True)
            return
        for thread in gone:
            self._unsubscribe(thread)
            await self.send(native.error_frame(error, thread=thread))

    async def _release(self, thread: UUID, tool_call: UUID, tab: str) -> None:
        try:
            release = Release(thread_id=thread, tool_call_id=tool_call, tab=tab)
            if self._viewer is not None:
                await in_thread(service.handle, self._viewer, release)
        except ChatKitError:
            pass  # it was answered or closed meanwhile


class _Gone(Exception):
    """The page does not listen any more."""


class _Internal(ChatKitError):
    """A bug of ours; the log has it."""

    code = "internal"
