"""Bench files: which devices, where, and how mistakes are told."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from kalys.bench.bench_file import bench_schema, load_bench_file, plan_bench
from kalys.errors import ConfigurationError
from kalys.resources import resource

FOLDER = resource("device_profiles", "benches")
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def altered(tmp_path: Path, old: str, new: str) -> Path:
    text = (FOLDER / "emulated-station.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_bench_is_good_and_fits_the_published_schema(name):
    assert plan_bench(name).file.bench == name
    data = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    data["epoch"] = data["epoch"].isoformat()
    jsonschema.validate(data, bench_schema())


def test_a_device_without_of_serves_every_urn():
    plan = plan_bench("emulated-station")
    assert plan.serving("feeder", "urn-2").name == "feeder"
    assert plan.serving("supply", "urn-2") is None
    assert plan.dut == "urn-1"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("role: feeder", "rloe: feeder", r"mine\.yaml:12: devices\.2\.role: .*; devices\.2\."
                                         r"rloe: no such key; did you mean role\?"),
        ("profile: emulated-feeder", "profile: emulated-feedr", r":\d+: devices\.2\.profile: there "
                                                               r"is no file emulated-feedr"),
        ("profile: emulated-feeder", "profile: emulated-hands", "is the profile of a hands, not"),
        ("of: urn-1", "of: urn-3", r"devices\.5\.of: urn-3 is not an urn of the bench"),
        ("dut: urn-1", "dut: tape", r":\d+: dut: tape is not an urn"),
        ("name: urn-2", "name: urn-1", r"devices\.1\.name: urn-1 is there already"),
        ("link: emulated, serial", "link: /dev/ttyUSB0, serial", "in virtual time every device"),
        ("link: emulated}", "by: operator}", r"devices\.2\.profile: a profile with protocol"),
        ("+06:00", "", "epoch: input should have timezone info"),
        ("{role: feeder, name: feeder, profile: emulated-feeder, link: emulated}",
         "{role: feeder, name: feeder, profile: emulated-feeder}", "either a link or by: operator"),
        ("{role: hands, name: hands, profile: emulated-hands",
         "{role: feeder, name: second, profile: emulated-feeder", "has more than one feeder"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, old, new, told):
    with pytest.raises(ConfigurationError, match=told):
        plan_bench(altered(tmp_path, old, new))


def test_a_profile_beside_the_bench_file_is_found(tmp_path):
    own = (resource("device_profiles") / "emulated-feeder.yaml").read_text()
    (tmp_path / "my-feeder.yaml").write_text(own.replace("emulated-feeder", "my-feeder", 1))
    path = altered(tmp_path, "profile: emulated-feeder", "profile: my-feeder")
    assert plan_bench(path).serving("feeder", "urn-1").profile.profile == "my-feeder"


def test_the_bench_file_may_override_line_settings(tmp_path):
    path = altered(tmp_path, "serial_number: KG-EMU-0001",
                   "serial_number: KG-EMU-0001, serial: {baud: 9600, timeout_s: 4}")
    settings = plan_bench(path).urns[0].link_settings()
    assert (settings.baud, settings.timeout_s, settings.attempts) == (9600, 4.0, 3)


def test_an_unknown_bench_lists_the_shipped_ones():
    with pytest.raises(ConfigurationError, match="emulated-station, line-station"):
        load_bench_file("nowhere")
