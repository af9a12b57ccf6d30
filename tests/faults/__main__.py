"""``python -m tests.faults``: break everything at any moment, and show that nothing is lost.

--only sqlite|postgres   one of the two stages; both by default
--seconds N              how long faults are injected, a stage
--kills N                how many ``kill -9`` there have to be, a stage
--seed N                 another order of moments
--inject WORD            only the faults whose name has it: "SIGSTOP"
--keep                   the folder with logs and ledgers, also if all is well
--quick                  a minute on SQLite
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time

from tests.faults import postgres, redis_server
from tests.faults.campaign import Campaign, Order


def orders(words: argparse.Namespace) -> list[Order]:
    """The campaigns that are asked for."""
    only = words.only or ("sqlite" if words.quick else "")
    seconds = words.seconds or (60.0 if words.quick else 240.0)
    usual = 0 if words.inject else 25 if words.quick else 60
    kills = usual if words.kills is None else words.kills
    return [
        Order(
            is_postgres=kind == "postgres",
            seed=words.seed,
            seconds=seconds,
            kills=kills,
            visitors=words.visitors or (4 if words.quick else 6),
            lease=1.0 if words.quick else 2.0,
            is_quick=words.quick,
            inject=words.inject,
        )
        for kind in ("sqlite", "postgres")
        if only in ("", kind)
    ]


def main() -> int:
    """Run the campaigns; 0 if no promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--only", choices=("sqlite", "postgres"))
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--visitors", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--inject", default="")
    parser.add_argument("--keep", action="store_true")
    words = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up, too
    is_kept = True
    for order in orders(words):
        if order.is_postgres and not (postgres.programs() and redis_server.is_there()):
            print(
                "\n!!!!!!  NOT TESTED: no PostgreSQL or no Redis is installed  !!!!!!"
            )
            is_kept = False
            continue
        is_kept = asyncio.run(Campaign(order, is_kept=words.keep).run()) and is_kept
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
