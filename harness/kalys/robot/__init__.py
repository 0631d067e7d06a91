"""The Robot Framework front: suites that read as an auditor speaks, over the same procedures.

    Library    kalys.robot.KalysLibrary    bench=emulated-station    plan=quick    seed=1
"""

from kalys.robot.library import KalysLibrary

__all__ = ["KalysLibrary"]
