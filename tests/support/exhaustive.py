"""Whether tests that sample are to take everything: EXHAUSTIVE=1, as `make proof` has it."""

from __future__ import annotations

import os

EXHAUSTIVE = os.environ.get("EXHAUSTIVE") == "1"
