"""Whole benches: the emulated station in virtual time and on real wires, in both dialects."""

from datetime import timedelta

import pytest

from kalys.ballots.deck import volume
from kalys.ballots.package import package_sha256, urn_package
from kalys.bench.bench import open_bench
from kalys.bench.bench_file import plan_bench
from kalys.errors import ConfigurationError, LinkError
from kalys.evidence.journal import read_journal
from kalys.protocols.urn.messages import EventKind, Purpose, ReportKind, Role, UrnState

ENDS = (EventKind.SHEET_ACCEPTED, EventKind.SHEET_RETURNED, EventKind.JAM)


def one_sheet_through(bench):
    """Load, open, feed one sheet, close; returns the sheet and the urn."""
    urn, feeder, printer = bench.urn(), bench.feeder(), bench.printer()
    definition, seconds = bench.definition, timedelta(seconds=5)
    urn.login(Role.ADMINISTRATOR)
    urn.set_clock(definition.opens - timedelta(minutes=10))
    package = urn_package(definition, "KG-PL", "1001")
    urn.load(Purpose.DEFINITION, package)
    assert urn.status().definition_sha256 == package_sha256(package)
    urn.print(ReportKind.ZERO)
    assert urn.wait([EventKind.PRINTED], 120) is not None
    assert any("1001" in line for line in printer.tape().lines)
    urn.set_clock(definition.opens + seconds)
    urn.login(Role.OPERATOR)
    urn.open()
    assert urn.status().state is UrnState.OPEN
    sheet = next(s for s in volume(definition, "KG-PL", 20, 1).sheets if s.truth.kind == "valid")
    feeder.insert(sheet)
    accepted = urn.wait(ENDS, 30)
    assert accepted is not None and accepted.kind is EventKind.SHEET_ACCEPTED
    bench.clock.sleep(0.5)
    assert feeder.box().valid == (sheet.id,)
    gates = feeder.gates()
    assert [(g.gate, g.edge) for g in gates] == [
        ("entry", "lead"), ("entry", "trail"), ("exit", "lead"), ("exit", "trail")]
    assert abs(bench.clock.now() - gates[-1].time) < 3e9
    urn.login(Role.ADMINISTRATOR)
    urn.set_clock(definition.closes + seconds)
    urn.login(Role.OPERATOR)
    urn.close()
    return sheet, urn


def bench_of_its_own(tmp_path, name, *, device="", profile=()):
    """A copy of a shipped bench: ``device`` is added to the first urn's line, ``profile`` are
    (old, new) texts of its urns' profile."""
    plan = plan_bench(name)
    shipped = plan.urns[0].profile.profile
    text = (plan.path.parent.parent / f"{shipped}.yaml").read_text()
    for old, new in (("profile: " + shipped, "profile: own-urn"), *profile):
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "own-urn.yaml").write_text(text)
    bench = plan.path.read_text().replace(f"profile: {shipped}", "profile: own-urn")
    (tmp_path / "bench.yaml").write_text(bench.replace("-0001}", f"-0001{device}}}", 1))
    return tmp_path / "bench.yaml"


def check_results(sheet, urn):
    results = urn.results()
    assert (results.sheets, results.valid, results.invalid) == (1, 1, 0)
    voted = {c: tuple(o for o, n in votes.items() if n) for c, votes in results.votes.items()}
    assert voted == {c: tuple(sheet.truth.votes.get(c, ())) for c in voted}
    [record] = urn.records()
    assert record.valid and record.style == "KG-PL"
    assert len(urn.export("results")) > 100
    numbers = [entry.sequence for entry in urn.log()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize("name", ["emulated-station", "line-station"])
def test_a_sheet_goes_through_the_emulated_urn_in_virtual_time(name):
    with open_bench(name, seed=3) as bench:
        assert bench.emulated and bench.time_base == "virtual"
        check_results(*one_sheet_through(bench))


@pytest.mark.parametrize(
    ("name", "wire"),
    [("emulated-station", "tcp"), ("emulated-station", "pty"), ("emulated-station", "rfc2217"),
     ("line-station", "tcp")],
)
def test_a_sheet_goes_through_the_emulated_urn_on_a_real_wire(tmp_path, name, wire):
    fast = bench_of_its_own(tmp_path, name, profile=[
        ("  drift_ppm: 2", "  drift_ppm: 2\n  lines_per_second: 1000"),
        ("transport_mm_s: 300", "transport_mm_s: 3000")])
    with open_bench(fast, wire=wire, seed=3) as bench:
        assert bench.time_base == "real"
        check_results(*one_sheet_through(bench))


def test_both_urns_have_their_roles_and_the_supply_feeds_the_first():
    with open_bench("emulated-station") as bench:
        assert bench.urn_names == ("urn-1", "urn-2")
        assert bench.identity.serial == "KG-EMU-0001"
        assert bench.urn("urn-2").identity().serial == "KG-EMU-0002"
        for urn in bench.urn_names:
            assert bench.feeder(urn) and bench.hands(urn) and bench.printer(urn)
            assert bench.profile(urn).profile == "kalys-emulated-urn"
        volts, amperes = bench.supply().measure()
        assert volts == pytest.approx(24, abs=0.1) and amperes > 0.3
        assert bench.supply("urn-2") is None
        with pytest.raises(ConfigurationError, match="no urn urn-9"):
            bench.urn("urn-9")


def test_closing_leaves_the_supply_off_and_twice_is_once(tmp_path):
    journal = tmp_path / "journal.jsonl"
    bench = open_bench("emulated-station", journal=journal)
    bench.close()
    bench.close()
    notes = [r.data["text"] for r in read_journal(journal) if r.kind == "note"]
    assert notes[-1] == "outputs off"


def test_the_supply_is_made_safe_after_an_interruption_as_well(tmp_path):
    journal = tmp_path / "journal.jsonl"
    with pytest.raises(KeyboardInterrupt), open_bench("emulated-station", journal=journal):
        raise KeyboardInterrupt
    assert "outputs off" in [r.data.get("text") for r in read_journal(journal)]


def test_identities_of_urns_and_supply_are_journaled(tmp_path):
    path = tmp_path / "journal.jsonl"
    open_bench("emulated-station", journal=path).close()
    told = {r.data["name"]: r.data for r in read_journal(path)
            if r.kind in ("identity", "instrument")}
    assert told["urn-1"]["under_test"] and not told["urn-2"]["under_test"]
    assert told["urn-1"]["serial"] == "KG-EMU-0001" and told["urn-1"]["emulated"]
    assert "E36312A" in told["supply"]["description"]


def test_the_same_seed_gives_the_same_journal(tmp_path):
    texts = []
    for run in ("one", "two"):
        path = tmp_path / f"{run}.jsonl"
        with open_bench("emulated-station", seed=5, journal=path) as bench:
            one_sheet_through(bench)
        texts.append(path.read_bytes().split(b"\n", 1)[1])
    assert texts[0] == texts[1]


def test_the_urn_is_back_after_a_power_cut():
    with open_bench("emulated-station") as bench:
        bench.hands().battery(False)
        bench.supply().output(False)
        with pytest.raises(LinkError, match=r"no answer|lost"):
            bench.urn().status()
        bench.supply().output(True)
        bench.urn().reconnect()
        assert bench.urn().wait([EventKind.BOOTED], 10).fields["cause"] == "power-loss"


def test_a_noisy_line_delays_and_never_falsifies(tmp_path):
    noisy = bench_of_its_own(
        tmp_path, "emulated-station",
        device=", faults: {fragment: 0.05, corrupt: 0.0002, lose: 0.0002}",
        profile=[("chunk_bytes: 2048", "chunk_bytes: 256"), ("page_rows: 64", "page_rows: 4"),
                 ("attempts: 3", "attempts: 6")],
    )
    with open_bench(noisy, seed=3, journal=tmp_path / "journal.jsonl") as bench:
        check_results(*one_sheet_through(bench))
        assert bench.urn().dialogue.lost_events == 0
    kinds = [r.kind for r in read_journal(tmp_path / "journal.jsonl")]
    assert kinds.count("line-fault") > 20


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"wire": "usb"}, "no wire usb"),
        ({"clock_base": "lunar"}, "no lunar time"),
        ({"wire": "tcp", "clock_base": "virtual"}, "virtual time needs every device emulated"),
        ({"defects": ["no-such-defect"]}, "no-such-defect"),
    ],
)
def test_what_cannot_be_opened_is_told_before_anything_happens(arguments, told):
    with pytest.raises(ConfigurationError, match=told):
        open_bench("emulated-station", **arguments)


def test_a_device_that_is_not_what_the_files_say_is_not_tested(tmp_path):
    other = bench_of_its_own(tmp_path, "emulated-station",
                             profile=[("  model: Emulated urn EU-1", "  model: EU-9")])
    with pytest.raises(ConfigurationError, match="says its model is 'Emulated urn EU-1', expected "
                                                 "was 'EU-9'"):
        open_bench(other)
