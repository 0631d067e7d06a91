"""``report.pdf``: the report on paper, set by typst, byte-reproducible.

Only the fonts that typst carries are used, and the document's date is the run's, so the same
evidence gives the same file everywhere.
"""

from __future__ import annotations

import datetime
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kalys.reporting.document import Report
from kalys.reporting.language import translator
from kalys.reporting.page import bound_text, figure
from kalys.resources import resource

_WORDS = """
Verdict|Device under test|Maker|Model|Serial number|Firmware|Legally relevant software
Plan|Seed|Bench|Laboratory|Started|Finished|Time base|Requirement|Limit|Measured|Decision|Source
Conforms|Does not conform|Inconclusive|Requirements of the plan|Deviations|Limitations|Other devices
Accuracy of the count|Timing|End of the report|page|of|Evidence|Run
Not tested|Interrupted run|Results relate only to the item tested.
emulated device|virtual time|real time|Election|Tested by|Records of the journal
Errors by mark, position and paper|tried|misread|not counted|mark|position|orientation|paper
targets|sheets
rendered sheets, without an urn|Pictures of errors|Marginal marks
Upper bounds of error rates (95 %)|errors|positions|fixed sample|any stop
independent positions|errors may cluster
PASS|FAIL|INCONCLUSIVE|BLOCKED|NOT_TESTED|NOT_APPLICABLE|none
""".replace("\n", "|").strip("|").split("|")

_BOUNDS = ("independent", "clustered", "any_stop", "any_stop_clustered")


def pdf_document(
    report: Report, lang: str, drawn: Mapping[str, str], seen: Mapping[str, bytes] | None = None
) -> bytes:
    """The PDF as bytes; ``drawn`` are the pictures of ``page.pictures``, ``seen`` those of errors
    as PNG by the names in the report."""
    import typst

    tr = translator(lang)
    data = report.model_dump(mode="json", by_alias=True)
    for verdict in data["verdicts"]:
        for measurement in verdict["measurements"]:
            measurement["shown"] = figure(measurement["value"])
            measurement["u_shown"] = figure(measurement["u"])
            measurement["bound_shown"] = figure(measurement["bound"])
    for row in data["bounds"]:
        row["shown"] = [bound_text(row[name]) for name in _BOUNDS]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "report.json").write_text(json.dumps(data), encoding="utf-8")
        from_the_catalogue = {w for v in report.verdicts for w in (v.group, v.source_status)}
        words = {word: tr(word) for word in (*_WORDS, *from_the_catalogue)}
        words["title"] = tr(report.title)
        (root / "words.json").write_text(json.dumps(words), encoding="utf-8")
        for name, svg in drawn.items():
            (root / f"{name}.svg").write_text(svg, encoding="utf-8")
        for name, png in (seen or {}).items():
            place = root / name
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(png)
        source = root / "report.typ"
        source.write_text(
            resource("reports", "templates", "report.typ").read_text(encoding="utf-8"),
            encoding="utf-8",
        )
        started = datetime.datetime.fromisoformat(report.run.started)
        pdf = typst.Compiler(
            input=source, root=root, ignore_system_fonts=True, sys_inputs={"lang": lang}
        ).compile(format="pdf", timestamp=int(started.timestamp()))
    assert isinstance(pdf, bytes)
    return pdf
