"""A counting core that misbehaves as it is told: ``python cores.py HOW [EVERY [BATCH]]``.

Without a fault it answers that a sheet bears no marks. With EVERY it misbehaves on each sheet whose
number is a multiple of it, else on every sheet. With BATCH it takes as many sheets at once.
"""

import json
import os
import sys
import time
from pathlib import Path


def answer(how: str, request: dict) -> None:
    number = request["id"]
    good = {"id": number, "status": "read", "marks": {}}
    lines = {
        "garbage": "Segmentation fault?",
        "earlier": json.dumps(good | {"id": max(1, number - 1)}),
        "other": json.dumps(good | {"id": number + 40}),
        "twice": json.dumps(good) + "\n" + json.dumps(good),
        "strange": json.dumps(good | {"marks": {"party": ["P99"]}}),
        "nan": json.dumps(good | {"scores": {"party": {"P01": float("nan")}}}),
        "types": json.dumps(good | {"marks": {"party": "P01"}}),
        "failed": json.dumps({"id": number, "status": "failed", "error": "bad day"}),
        "huge": "x" * 5_000_000,
        "binary": "\udcff\udcfe\0",
    }
    if how == "crash":
        print("I give up", file=sys.stderr, flush=True)
        os._exit(3)
    elif how in ("hang", "closes"):
        if how == "closes":
            os.close(1)
        time.sleep(600)
    elif how == "endless":
        while True:
            print("x" * 65536, end="", flush=True)
    elif how == "sees":
        path = Path("/dev/shm", request["shared_memory"])
        dark = path.read_bytes()[0] < 128 if path.exists() else False
        print(json.dumps(good | {"valid": dark}), flush=True)
    else:
        said = lines.get(how, json.dumps(good)) + "\n"
        sys.stdout.buffer.write(said.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()


def main() -> None:
    how, every = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    batch = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "hello":
            if how == "mute":
                time.sleep(600)
            images = "shared-memory" if how == "sees" else "file"
            print(json.dumps({"model": how, "images": images, "batch": batch}), flush=True)
        else:
            for sheet in request.get("sheets", [request]):
                answer(how if sheet["id"] % every == 0 else "well", sheet)


if __name__ == "__main__":
    main()
