#!/usr/bin/env python3
"""A counting core in forty lines, weak on purpose: one threshold, no registration.

It believes that every target lies exactly where the layout says, so a sheet that is skewed, shifted
or fed foot first is read wrong; it sees no difference between a vote and a fold. Try it:

    kalys certify --core "python3 docs/examples/plain_threshold_core.py"

Needs nothing but Python and numpy. Protocol: docs/protocols/counting-core.md.
"""

import json
import sys
from pathlib import Path

import numpy as np

DARK = 128          # grey level below which a pixel is ink
VOTE = 0.10         # share of dark pixels that makes a vote


def targets_of(layout):
    """(contest, option, rows, columns) of the inside of each target."""
    scale = layout["dpi"] / 25.4
    for target in layout["faces"]["front"]["targets"]:
        x, y = target["x"] * scale, target["y"] * scale
        half_x, half_y = 0.35 * target["width"] * scale, 0.35 * target["height"] * scale
        yield (target["contest"], target["option"],
               slice(int(y - half_y), int(y + half_y)), slice(int(x - half_x), int(x + half_x)))


def read(request, targets):
    rows, columns = request["rows"], request["columns"]
    pixels = Path(request["path"]).read_bytes()[-rows * columns:]
    page = np.frombuffer(pixels, np.uint8).reshape(rows, columns)
    marks = {}
    for contest, option, down, across in targets:
        if (page[down, across] < DARK).mean() >= VOTE:
            marks.setdefault(contest, []).append(option)
    return {"id": request["id"], "status": "read", "marks": marks}


targets = []
for line in sys.stdin:
    request = json.loads(line)
    if request["op"] == "hello":
        targets = list(targets_of(request["layout"]))
        answer = {"maker": "Example", "model": "plain threshold", "version": "1"}
    else:
        answer = read(request, targets)
    print(json.dumps(answer), flush=True)
