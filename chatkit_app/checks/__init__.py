"""System checks: wrong settings are told at start, before a visitor meets them.

The numbers of the ids run through errors and warnings alike; none is ever used twice.
"""
