"""Whether tests that sample are to take everything: EXHAUSTIVE=1, as `make proof` has it."""

from __future__ import annotations

import os

EXHAUSTIVE = os.environ.get("EXHAUSTIVE") == "1"

# Faults that differ from another in one answer, or in what is told: drilled in tests/plans, by all in `make proof`.
ONE_ANSWER = {"play-fully-released", "play-edit-conflict", "ios-fully-released", "flag-deployment-in-the-way"}
ONE_ANSWER |= {"partner-degraded", "partner-outage-two", "partner-status-page-lies", "our-secret-expired"}
ONE_ANSWER |= {"issuer-without-revocation", "secret-replica-in-other-account", "vulnerability-in-app"}
ONE_ANSWER |= {"ai-throttled"}
