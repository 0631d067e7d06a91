"""The pytest front: procedures as tests (``plugin.py``), and their session (``running.py``).

Nothing is imported here: pytest loads the entry point in every run of the environment.
"""
