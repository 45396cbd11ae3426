"""What holds for all tests."""

import os

from hypothesis import settings

# A change lands or not for what it is, never for what chance tried that day; on a desk chance goes on trying.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
