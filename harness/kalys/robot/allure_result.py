"""What Allure is told of a Robot test, when its listener is there: labels, and whose result it is.

Allure tells the history of a test by its full name. Two units that ran the same suite would share
one, and the later result would hide the earlier. So the serial number becomes a parameter and a
part of the history's id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import allure_commons
from allure_commons.model2 import Label, Parameter

UNIT = "DUT"


def label(serial: str, labels: Mapping[str, str]) -> None:
    """Label the test that is running, once for each name and value; empty values are left out."""
    wanted = {UNIT: serial, **labels}
    for plugin in allure_commons.plugin_manager.get_plugins():
        lifecycle = getattr(plugin, "lifecycle", None)
        if lifecycle is None:
            continue
        with lifecycle.update_test_case() as case:
            if case is None:
                continue
            there = {(known.name, known.value) for known in case.labels}
            case.labels += [
                Label(name=name, value=value)
                for name, value in wanted.items()
                if value and (name, value) not in there
            ]
            if not any(parameter.name == UNIT for parameter in case.parameters):
                case.parameters.append(Parameter(name=UNIT, value=serial))
                whose = f"{case.fullName} of {serial}"
                case.historyId = hashlib.md5(whose.encode(), usedforsecurity=False).hexdigest()
