"""Settings of all tests: the same test run twice is the same test.

Laws are tried on the same examples every time, so that a change is the only thing that can turn a
green run red. ``KALYS_EXPLORE=1 pytest`` lets hypothesis look further.
"""

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("explore" if os.environ.get("KALYS_EXPLORE") else "same")
