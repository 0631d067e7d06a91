"""PyVISA finds its back end "kalys" by this module's name; the back end is ``kalys.links.visa``."""

from kalys.links.visa import KalysVisaLibrary as WRAPPER_CLASS  # noqa: N814

__all__ = ["WRAPPER_CLASS"]
