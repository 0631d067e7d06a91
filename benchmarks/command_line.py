"""Whole commands, timed from outside as a user meets them."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.figure import Figure

KALYS = [sys.executable, "-m", "kalys"]


def _seconds(arguments: list[str]) -> float:
    begin = time.perf_counter()
    done = subprocess.run([*KALYS, *arguments], capture_output=True, text=True, check=False)
    taken = time.perf_counter() - begin
    if done.returncode != 0:
        raise SystemExit(f"kalys {arguments} ended with {done.returncode}:\n{done.stderr}")
    return taken


def answer_to_help() -> Figure:
    """``kalys --help``, beside the interpreter that does nothing."""
    runs = [_seconds(["--help"]) for _ in range(9)]
    bare = []
    for _ in range(9):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        bare.append(time.perf_counter() - begin)
    return Figure(
        statistics.median(runs), "s", 0.3, beside={"bare interpreter s": statistics.median(bare)}
    )


def certify_quick() -> Figure:
    """The README's main job, from the command to the sealed report."""
    with tempfile.TemporaryDirectory() as folder:
        return Figure(_seconds(["certify", "--plan", "quick", "--out", f"{folder}/run"]), "s", 60)
