"""Every run states what its host adds to a measured time."""

import pytest

from kalys.bench.bench import open_bench
from kalys.certification.host_timing import record_host_timing


class Notes:
    last = 0

    def __init__(self):
        self.records = []

    def add(self, kind, data):
        self.records.append((kind, dict(data)))
        return len(self.records)

    def wire(self, link, direction, data, time=None):
        return 0


def clocks(notes):
    instruments = [data for kind, data in notes.records if kind == "instrument"]
    return [data for data in instruments if data["role"] == "clock"]


def test_virtual_time_is_exact_and_says_so():
    notes = Notes()
    with open_bench("emulated-station", journal=notes) as bench:
        record_host_timing(bench)
    assert [c["description"] for c in clocks(notes)] == [
        "virtual clock of the harness: exact, resolution 1 ns"
    ]


@pytest.mark.parametrize("wire", ["tcp", "pty"])
def test_in_real_time_a_loop_back_of_the_same_wire_is_measured(wire):
    notes = Notes()
    with open_bench("emulated-station", wire=wire, journal=notes) as bench:
        record_host_timing(bench)
    (clock,) = clocks(notes)
    latency = clock["latency"]
    assert f"loop-back over {wire}" in clock["description"]
    assert 0 < latency["median"] <= latency["largest"]
    assert latency["standard_uncertainty"] >= latency["standard_deviation"]
