"""Requirements as data, and verdicts as pure functions of what was observed."""
