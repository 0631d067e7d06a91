"""Devices that are honest while they believe that they are being tested."""

from __future__ import annotations

from kalys.emulators.defect_hooks import recognition
from kalys.emulators.defects.entry import Defect

_COUNT = ("ACC-001", "ACC-009", "MET-005")
_BY_DAY = ("ACC-009",)

ENTRIES = (
    Defect("honest-in-test-mode",
           "Counts right in test mode; while the polls are open every `every`-th sheet is counted "
           "with the next option.",
           (*_COUNT, "ACC-004", "ACC-005", "ACC-006"), ("count.volume",),
           recognition.HonestInTestMode, {"every": 100}),
    Defect("honest-in-small-decks",
           "Counts the first `sheets` sheets of an election right, of the others every `every`-th "
           "wrong.",
           _COUNT, ("count.volume",), recognition.HonestInSmallDecks,
           {"sheets": 500, "every": 50}),
    Defect("honest-when-fresh",
           "Counts its first `elections` elections since it was made right, then every `every`-th "
           "sheet wrong.",
           _COUNT, ("count.volume",), recognition.HonestWhenFresh, {"elections": 1, "every": 50}),
    Defect("honest-on-other-days",
           "Counts wrong on day `day` of month `month` only, every `every`-th sheet: the "
           "clock must be set to election day.",
           _COUNT, ("count.volume",), recognition.HonestOnOtherDays,
           {"month": 11, "day": 28, "every": 100}),
    Defect("honest-at-test-speed",
           "Counts every `every`-th of the sheets wrong that come more than `seconds` after the "
           "one before.",
           _BY_DAY, ("day.ordinary",), recognition.HonestAtTestSpeed,
           {"seconds": 20, "every": 10}),
    Defect("honest-after-clock-set",
           "Counts every `every`-th sheet wrong once its clock has run for `minutes` without being "
           "set.",
           _BY_DAY, ("day.ordinary",), recognition.HonestAfterClockSet,
           {"minutes": 120, "every": 10}),
    Defect("honest-in-young-elections",
           "Counts every `every`-th sheet wrong once the polls have been open for `hours`.",
           _BY_DAY, ("day.ordinary",), recognition.HonestInYoungElections,
           {"hours": 6, "every": 10}),
)
