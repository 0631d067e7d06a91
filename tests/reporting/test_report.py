"""The report says what the evidence gives: valid, with bounds and limitations in words."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest
from pypdf import PdfReader

from kalys.reporting.build import build_report, read_run
from kalys.reporting.document import report_schema
from kalys.reporting.language import LANGUAGES
from kalys.reporting.page import html_page, pictures
from kalys.reporting.report import write_reports
from kalys.requirements import wording


def told(run: Path) -> dict:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


def test_report_json_is_what_its_published_schema_says(complete_run: Path) -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(told(complete_run), schema)


def test_the_schema_refuses_a_report_with_a_stranger_in_it(complete_run: Path) -> None:
    report = told(complete_run) | {"approved": True}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, report_schema())


def test_every_rate_has_its_upper_bound(complete_run: Path) -> None:
    rates = [
        measurement
        for verdict in told(complete_run)["verdicts"] if verdict["in_plan"]
        for measurement in verdict["measurements"] if measurement["trials"]
    ]
    assert rates
    for rate in rates:
        assert rate["failures"] / rate["trials"] < rate["bound"] <= 1, rate


def test_every_verdict_within_the_plan_has_a_reason_and_a_source(complete_run: Path) -> None:
    for verdict in told(complete_run)["verdicts"]:
        assert verdict["reason"], verdict["requirement"]
        assert verdict["source"], verdict["requirement"]


def test_all_requirements_of_the_catalogue_are_told_tested_or_not(complete_run: Path) -> None:
    verdicts = told(complete_run)["verdicts"]
    assert len(verdicts) == 156
    assert sum(v["in_plan"] for v in verdicts) == 3


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def text_of_html(page: str) -> str:
    parser = _Text()
    parser.feed(page)
    return " ".join(" ".join(parser.text).split())


def text_of_pdf(path: Path) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


@pytest.mark.parametrize("words", ["emulated device", "virtual time", "KG-EMU-0001", "MRK-001",
                                   "It cannot certify a physical unit"])
def test_html_and_pdf_say_on_their_face_what_was_measured(complete_run: Path, words: str) -> None:
    assert words in text_of_html((complete_run / "report.html").read_text(encoding="utf-8"))
    assert words in text_of_pdf(complete_run / "report.pdf")


def test_the_page_needs_nothing_from_anywhere(complete_run: Path) -> None:
    page = (complete_run / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|@import", page)
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", page.replace("xlink:href", "href"))


def test_written_again_the_reports_are_the_same_bytes(complete_run: Path, run: Path) -> None:
    for path in write_reports(run):
        assert path.read_bytes() == (complete_run / path.name).read_bytes(), path.name


def test_pictures_are_the_same_bytes_each_time(complete_run: Path) -> None:
    report = build_report(read_run(complete_run))
    drawn = pictures(report, "en")
    assert drawn, "a run that timed six sheets has a histogram"
    assert drawn == pictures(report, "en")


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_no_word_of_the_frame_stays_untranslated(complete_run: Path, lang: str) -> None:
    """Latin words on the page come from the evidence or the catalogue, or are names and units."""
    report = build_report(read_run(complete_run), lang)
    page = html_page(report, lang, dict.fromkeys(pictures(report, lang), ""))
    parser = _Text()
    parser.feed(re.sub(r"(?s)<style.*?</style>", "", page))
    own = sorted(_strings(report.model_dump(mode="json", exclude={"title"})), key=len, reverse=True)
    left = set()
    for text in parser.text:
        rest = " ".join(text.split())
        for string in own:
            rest = rest.replace(string, " ")
        left |= {word for word in re.findall(r"[A-Za-z]{3,}", rest) if word not in _NAMES}
    assert sorted(left) == []


_NAMES = {"Kalys", "kalys", "python", "evidence", "verify", "SHA",
          "ISO", "IEC", "OIML", "ed25519", "Clopper", "Pearson"}


def _strings(value: object) -> set[str]:
    """Every text of a report, except those that the frame words itself."""
    if isinstance(value, str):
        return {" ".join(value.split())} - {""}
    if isinstance(value, list):
        return set().union(*map(_strings, value))
    if isinstance(value, dict):
        framed = {"verdict", "source_status", "group", "conformity", "counts", "time_base"}
        return set().union(*(_strings(v) for k, v in value.items() if k not in framed))
    return set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_report_in_another_language_stands_beside_the_sealed_one(run: Path, lang: str) -> None:
    sealed = (run / "report.pdf").read_bytes()
    names = [path.name for path in write_reports(run, lang=lang)]
    if lang == "en":
        assert names == ["report.json", "report.html", "report.pdf"]
    else:
        assert names == [f"report.{lang}.html", f"report.{lang}.pdf"]
    assert (run / "report.pdf").read_bytes() == sealed


def test_the_bounds_of_error_rates_stand_beside_each_other(run):
    report = json.loads((run / "report.json").read_text())
    (row,) = report["bounds"]
    assert (row["requirement"], row["errors"], row["sheets"]) == ("ACC-001", 0, 30)
    assert row["independent"] < row["clustered"] < row["any_stop_clustered"]
    assert row["any_stop"] is None
    page = (run / "report.html").read_text()
    assert "Upper bounds of error rates (95 %)" in page
    assert wording.rate(row["clustered"]) in page
