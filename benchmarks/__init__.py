"""Measurements of Kalys's own speed: ``python -m benchmarks [NAME ...] [--json]``.

Each benchmark is a function that returns a ``Figure``; medians are quoted, and where a figure would
mean nothing on another machine, a ratio to something measured in the same run stands beside it.
"""
