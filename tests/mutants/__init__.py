"""Faults planted on purpose: the suite must find each. ``make mutants``."""
