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
    if how == "crash":
        print("I give up", file=sys.stderr, flush=True)
        os._exit(3)
    elif how == "hang":
        time.sleep(600)
    elif how == "garbage":
        print("Segmentation fault?", flush=True)
    elif how == "earlier":
        print(json.dumps(good | {"id": max(1, number - 1)}), flush=True)
    elif how == "other":
        print(json.dumps(good | {"id": number + 40}), flush=True)
    elif how == "twice":
        print(json.dumps(good) + "\n" + json.dumps(good), flush=True)
    elif how == "endless":
        while True:
            print("x" * 65536, end="", flush=True)
    elif how == "strange":
        print(json.dumps(good | {"marks": {"party": ["P99"]}}), flush=True)
    elif how == "nan":
        print(json.dumps(good | {"scores": {"party": {"P01": float("nan")}}}), flush=True)
    elif how == "huge":
        print("x" * 5_000_000, flush=True)
    elif how == "closes":
        os.close(1)
        time.sleep(600)
    elif how == "binary":
        sys.stdout.buffer.write(b"\xff\xfe\x00\n")
        sys.stdout.buffer.flush()
    elif how == "types":
        print(json.dumps(good | {"marks": {"party": "P01"}}), flush=True)
    elif how == "failed":
        print(json.dumps({"id": number, "status": "failed", "error": "bad day"}), flush=True)
    elif how == "sees":
        path = Path("/dev/shm", request["shared_memory"])
        dark = path.read_bytes()[0] < 128 if path.exists() else False
        print(json.dumps(good | {"valid": dark}), flush=True)
    else:
        print(json.dumps(good), flush=True)


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
