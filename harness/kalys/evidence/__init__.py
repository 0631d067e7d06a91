"""The journal of a run, its folder, its seal, and their verification."""
