"""How often one viewer may ask: per scope, counted in the site's cache, and said in headers.

Whoever is nobody counts by their address. A visitor costs a click: what all of them may do together
is for the site's proxy, and for ``CHATKIT_VISITOR_MESSAGES_PER_MINUTE``.
"""

from __future__ import annotations

import logging
import math
import time
from hashlib import sha256

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from chatkit_app.access import viewer_of_request
from chatkit_app.conf import settings

logger = logging.getLogger(__name__)

PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
READ, WRITE, SEARCH = "read", "write", "search"
SAFE = ("GET", "HEAD", "OPTIONS")


class ViewerThrottle(BaseThrottle):
    """A number of requests in each window of time; the window begins for all at the same moment.

    The counter is the cache's own, which several processes may share: then no two requests get the
    same number.
    """

    limit: int | None = None
    remaining = 0
    reset = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count it; True while there is room."""
        scope = scope_of(request, view)
        rate = settings.THROTTLES.get(scope)
        if not rate:
            return True
        limit, seconds = read_rate(rate)
        now = time.time()
        key = f"chatkit.throttle.{scope}.{int(now // seconds)}.{self._whose(request)}"
        count = _count(key, seconds)
        self.limit, self.remaining = limit, max(0, limit - count)
        self.reset = math.ceil(seconds - now % seconds)
        return count <= limit

    def wait(self) -> float:
        """Seconds until the next window."""
        return float(self.reset)

    def tell(self, response: Response) -> None:
        """Write the headers, where the scope has a limit."""
        if self.limit is None:
            return
        response["X-RateLimit-Limit"] = str(self.limit)
        response["X-RateLimit-Remaining"] = str(self.remaining)
        response["X-RateLimit-Reset"] = str(self.reset)

    def _whose(self, request: Request) -> str:
        viewer = viewer_of_request(request)
        name = f"{viewer.tenant}/{viewer.key}" if viewer else self.get_ident(request)
        return sha256(str(name).encode()).hexdigest()[:32]


class AddressThrottle(ViewerThrottle):
    """The same for doors at which nobody is asked who they are: by the address."""

    def _whose(self, request: Request) -> str:
        return sha256(str(self.get_ident(request)).encode()).hexdigest()[:32]


def scope_of(request: Request, view: APIView) -> str:
    """A view's own scope; else what the request does."""
    own: str | None = getattr(view, "throttle_scope", None)
    if own:
        return own
    if request.method not in SAFE:
        return WRITE
    return SEARCH if SEARCH in request.query_params else READ


def read_rate(text: str) -> tuple[int, int]:
    """``"600/minute"`` as a number of requests and seconds.

    Raises:
        ValueError: It is no such rate.
    """
    number, _, period = text.partition("/")
    if period not in PERIODS or not number.isdigit() or int(number) == 0:
        raise ValueError(f"{text!r} is no rate like '600/minute'.")
    return int(number), PERIODS[period]


def _count(key: str, seconds: int) -> int:
    """How many requests it were; where the site's cache is away nobody counts, and nobody is refused."""
    try:
        cache.add(key, 0, timeout=2 * seconds)
        return int(cache.incr(key))
    except ValueError:  # the cache has dropped it between the two
        return 1
    except Exception:
        logger.warning("The cache can't count requests", exc_info=True)
        return 0
