"""Starts the demo: ``python -m project.demo`` makes its database and serves the shop."""

from __future__ import annotations

import os
import socket
import sys

from daphne.server import Server  # type: ignore[import-untyped]  # it has no types
from django.conf import settings
from django.core.management import call_command

from project.asgi import application  # before the models: it sets Django up
from project.shop.seed import LOGINS, seed

HOST = "127.0.0.1"


def main() -> int:
    """Serve until Ctrl-C; the result is the exit code."""
    port = os.environ.get("PORT") or "8000"
    if problem := problem_with(port):
        print(problem, file=sys.stderr)
        return 1
    prepare()
    print(greeting(port), flush=True)
    Server(application, endpoints=[f"tcp:{port}:interface={HOST}"]).run()
    print("\nThe demo has ended.")
    return 0


def problem_with(port: str) -> str:
    """Why we can't serve there; empty where we can."""
    if not port.isdecimal() or not 0 < int(port) < 65536:
        return f"PORT={port} is no port. Take a number up to 65535, for example: make demo PORT=8001"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(port)))
        except OSError as error:
            return (
                f"Port {port} can't be used ({error.strerror}). Something else may run there; "
                f"take another one: make demo PORT={int(port) % 65535 + 1}"
            )
    return ""


def prepare() -> None:
    """Make the tables, the customers and the catalogue, as far as they are missing."""
    settings.DEMO_FOLDER.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    seed()


def greeting(port: str) -> str:
    """What to open, who can log in, and who answers."""
    logins = "\n".join(
        f"    {login.username:<6} {login.password:<12} {login.may}" for login in LOGINS
    )
    return f"""
  Kiln & Linen, the demo shop: http://{HOST}:{port}/

  Who can log in (accounts and passwords are for this demo alone):
{logins}

  {who_answers()}
  {where_data_is()}
  Ctrl-C ends it.
"""


def who_answers() -> str:
    """A real model, or the script."""
    provider = settings.CHATKIT_PROVIDERS["default"]
    options = provider.get("OPTIONS", {})
    if "api_key" not in options:
        return (
            "SCRIPTED ANSWERS: no model is asked, prepared answers are played. For a real model set\n"
            "  OPENAI_API_KEY (and OPENAI_MODEL), or OPENAI_BASE_URL for a server of your own.\n"
        )
    api = (
        "Chat Completions"
        if provider["BACKEND"].endswith("ChatProvider")
        else "Responses"
    )
    where = options["base_url"] or "api.openai.com"
    return f"Answers come from {settings.OPENAI_MODEL} at {where} ({api} API).\n"


def where_data_is() -> str:
    """What to delete for a new beginning."""
    if os.environ.get("DATABASE_URL"):
        return "All data is in the database that DATABASE_URL names."
    return f"All data is in {settings.DEMO_FOLDER}; delete it to begin anew."


if __name__ == "__main__":
    sys.exit(main())
