"""Kalys: a hardware-in-the-loop certification harness for vote-counting equipment.

The rooms of the package, and which may import which, are described in ``docs/architecture.md``
and enforced by import-linter.
"""

__version__ = "0.1.0"
