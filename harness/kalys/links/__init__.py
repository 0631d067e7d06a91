"""Byte links, line faults and clocks: how Kalys reaches a device, and in which time.

``clock`` is the time base of a run; ``link`` opens pyserial URLs; ``inprocess`` and ``schemes`` are
the in-process lines of virtual time; ``faults`` is what a bad line does; ``visa`` and
``instrument`` are the same for instruments behind PyVISA; ``uncertainty`` measures the host itself.
"""
