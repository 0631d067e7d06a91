"""Statistics of accuracy and timing: pure functions, each with its source."""
