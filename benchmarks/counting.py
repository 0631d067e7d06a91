"""The counting core: rendering and reading one sheet, on one core; whole campaigns, on all."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Figure, microseconds
from kalys.ballots.layout import Layout
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Sheet
from kalys.ballots.templates import layouts_for
from kalys.ballots.volume import volume
from kalys.counting.frame import Frame
from kalys.counting.reader import Reader
from kalys.counting.registration import register
from kalys.election.definition import load


def _material() -> tuple[list[Sheet], Renderer, Reader]:
    definition = load("kg-2021-11-28")
    layouts = layouts_for(definition)
    sheets = list(volume(definition, "KG-PL", 500, seed=1))
    return sheets, Renderer(layouts), Reader([layouts["KG-PL"]])


def render_sheet() -> Figure:
    """Render a party ballot with marks and paper effects, A4 at 200 dpi; no sheet twice."""
    sheets, renderer, _ = _material()
    turn = iter(sheets)
    return Figure(microseconds(lambda: renderer.scan(next(turn)), 400) / 1000, "ms", 2.5)


def render_volume() -> Figure:
    """Render 1,000 distinct sheets of a volume deck one after the other, whatever each costs: the
    mean holds the print's first drawing and all that the renderer's pool did not have."""
    definition = load("kg-2021-11-28")
    sheets = list(volume(definition, "KG-PL", 1000, seed=2))
    renderer = Renderer(layouts_for(definition))
    page = renderer.layout(sheets[0]).shape
    out = np.empty(page, np.uint8)
    begin, begin_work = time.perf_counter(), time.process_time()
    for sheet in sheets:
        renderer.scan(sheet, out=out)
    mean = (time.perf_counter() - begin) / len(sheets) * 1000
    work = (time.process_time() - begin_work) / len(sheets) * 1000
    geometries = len({(s.paper.skew_deg, s.paper.stretch, s.orientation) for s in sheets})
    whole = microseconds(lambda: cv2.sumElems(out), 100) / 1000
    return Figure(
        mean, "ms", 2.5, ratio=mean / whole,
        beside={"processor ms": work, "geometries": geometries, "cv2.sumElems ms": whole},
    )


def read_sheet() -> Figure:
    """Read a rendered party ballot (76 targets), beside one pass over all its pixels."""
    sheets, renderer, reader = _material()
    images = [renderer.scan(sheet).copy() for sheet in sheets[:20]]
    turn = itertools.cycle(images)
    read = microseconds(lambda: reader.read(next(turn)), 200) / 1000
    whole = microseconds(lambda: cv2.sumElems(next(turn)), 200) / 1000
    return Figure(read, "ms", 2, ratio=read / whole, beside={"cv2.sumElems ms": whole})


TARGETS = 60
BATCH = 32
Picture = NDArray[np.uint8]


@contextmanager
def _one_core() -> Iterator[None]:
    """OpenCV on one thread: what is quoted is the work of one core."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _ballots() -> tuple[Layout, list[Picture]]:
    """The layout of an A4 ballot with 60 targets at 200 dpi and 64 different sheets of it, more
    than fit into the caches: a scanner's picture comes from memory."""
    definition = load("kg-2021-11-28")
    whole = layouts_for(definition)["KG-PL"]
    front = whole.front.model_copy(update={"targets": whole.front.targets[:TARGETS]})
    layout = whole.model_copy(update={"faces": {"front": front}})
    renderer = Renderer([layout])
    sheets = volume(definition, "KG-PL", 2 * BATCH, seed=1)
    return layout, [renderer.scan(sheet).copy() for sheet in sheets]


def _usual_route(image: Picture) -> object:
    """What ballot readers built from OpenCV's usual parts do before they look at a mark."""
    dark = cv2.adaptiveThreshold(
        image, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 12
    )
    contours, _ = cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    rows, columns = image.shape
    corners = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners + np.float32(2), corners)
    return len(contours), cv2.warpPerspective(image, matrix, (columns, rows))


def _beside(images: list[Picture]) -> dict[str, float]:
    """The references of the same run, in ms a picture."""
    turn = itertools.cycle(images)
    return {
        "cv2.sumElems ms": microseconds(lambda: cv2.sumElems(next(turn)), 200) / 1000,
        "threshold+contours+warp ms": microseconds(lambda: _usual_route(next(turn)), 24) / 1000,
    }


def read_sheet_60() -> Figure:
    """Read single sheets of 60 targets, in memory, on one core."""
    with _one_core():
        layout, images = _ballots()
        reader, turn = Reader([layout]), itertools.cycle(images)
        value = microseconds(lambda: reader.read(next(turn)), 640) / 1000
        beside = _beside(images)
    return Figure(value, "ms", 1.2, ratio=value / beside["cv2.sumElems ms"], beside=beside)


def read_batch_60() -> Figure:
    """Read batches of 32 sheets of 60 targets: processor time by the sheet.

    A batch lasts longer than a time slice: on a busy machine its wall time, which stands beside,
    is mostly that of others.
    """
    with _one_core():
        layout, images = _ballots()
        reader = Reader([layout])
        busy, wall = [], []
        for turn in range(50):
            start = BATCH * (turn % 2)
            begin = time.thread_time_ns(), time.perf_counter_ns()
            reader.read_batch(images[start : start + BATCH])
            if turn >= 5:
                busy.append((time.thread_time_ns() - begin[0]) / BATCH / 1e6)
                wall.append((time.perf_counter_ns() - begin[1]) / BATCH / 1e6)
        beside = _beside(images)
    value = statistics.median(busy)
    return Figure(value, "ms", 0.8, ratio=value / beside["cv2.sumElems ms"],
                  beside={"wall ms": statistics.median(wall), **beside})


def registration_60() -> Figure:
    """Find the timing marks and place the page, without anything else."""
    with _one_core():
        layout, images = _ballots()
        frame = Frame.of(layout.front, layout.page_mm, layout.px_per_mm, turned=False)
        turn = itertools.cycle(images)
        value = microseconds(lambda: register(next(turn), frame, 130.0), 640) / 1000
        beside = _beside(images)
    return Figure(value, "ms", 0.6, ratio=value / beside["cv2.sumElems ms"], beside=beside)


OWN_CORE = "python:kalys.counting.as_core:kalys_reader"


def campaign_10m() -> Figure:
    """10,024,400 positions from the deck to the verdict: drawn, read from pictures, recorded,
    reported and sealed, on all processors; goal 360 s on two. Its peak memory stands beside."""
    return _campaign("accuracy", 360, "ACC-001")


def campaign_sprt() -> Figure:
    """The acceptance of the sequential test without an error, at 1,549,704 positions; goal 60 s."""
    plan = {
        "plan": "acceptance", "title": "acceptance", "purpose": "benchmark",
        "requirements": ["ACC-002", "MET-005"],
        "procedures": {"count.volume": {"sheets": 131_900, "stop": "decided"}},
        "omit": {"count.logic_and_accuracy": "not a part of the volume"},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "acceptance.yaml"
        path.write_text(json.dumps(plan))
        return _campaign(str(path), 60, "ACC-002")


def _campaign(plan: str, goal: float, requirement: str) -> Figure:
    """A whole run of the command line on the reader of Kalys, which must meet the requirement."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        begin = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "kalys", "certify", "--core", OWN_CORE, "--plan", plan,
             "--out", str(run), "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        ) as process:
            memory = _PeakMemory(process.pid)
            memory.start()
            assert process.stdout is not None
            report = json.loads(process.stdout.read())
            process.wait()
        seconds = time.perf_counter() - begin
        memory.join()
        verdicts = {v["requirement"]: v["verdict"] for v in report["verdicts"]}
        if verdicts[requirement] != "PASS":
            raise SystemExit(f"{requirement} is {verdicts[requirement]}: no figure for that")
        positions = max(
            m["trials"] or 0 for v in report["verdicts"] if v["requirement"] == requirement
            for m in v["measurements"]
        )
    return Figure(seconds, "s", goal, beside={
        "positions": positions, "peak memory MB": memory.peak_mb,
        "processors": len(os.sched_getaffinity(0)),
    })


class _PeakMemory(threading.Thread):
    """Watches the memory of a process and all that it started, each page counted once (PSS)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.peak_mb = 0.0

    def run(self) -> None:
        while Path(f"/proc/{self._pid}").exists() and not self._ended():
            total = sum(_pss_kb(pid) for pid in _family(self._pid))
            self.peak_mb = max(self.peak_mb, total / 1024)
            time.sleep(0.5)

    def _ended(self) -> bool:
        try:
            return Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True


def _family(pid: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        children.setdefault(parent, []).append(int(place.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _pss_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
