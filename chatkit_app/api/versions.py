"""The version of the API's contract: it grows within one, and another one stands beside it."""

from __future__ import annotations

VERSION = "1"
HEADER = "X-ChatKit-API"
