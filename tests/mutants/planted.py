"""All planted faults."""

from __future__ import annotations

from tests.mutants.of_the_jobs import JOBS
from tests.mutants.of_the_log import LOG
from tests.mutants.of_the_runs import RUNS

MUTANTS = (*RUNS, *JOBS, *LOG)
