"""Plan B on one page: its steps in order.

"B.trigger", "B.automated" and "B.manual" are the three parts of the plan's text.
"""

from __future__ import annotations

from drcore.engine.outcome import StepName
from drcore.engine.standing import StandsStill

DETECT = StepName("detect", "Detect", "B.trigger")
GRACEFUL = StepName("graceful-degradation", "Graceful degradation", "B.automated 1-3")
NOTIFY = StepName("notify-on-call", "Notify on-call", "B.manual 1")
ACKNOWLEDGE = StepName("acknowledge", "Acknowledge", "B.manual 1")

INVESTIGATE = StepName("investigate", "Investigate", "B.manual 1")
DECIDE = StepName("decide", "Decide", "B.manual 1")

WEIGHTS = StepName("shift-to-the-old-variant", "Shift to the old variant", "B.manual 3")
CONFIGURATION = StepName("change-the-endpoint-configuration", "Change the endpoint configuration", "B.manual 3")
COMPONENT = StepName("change-the-inference-component", "Change the inference component", "B.manual 3")
SETTLED = StepName("wait-for-the-endpoint", "Wait for the endpoint", "B.manual 3")
KEY = StepName("rotate-the-key", "Rotate the key", "B.manual 3")
GATEWAY = StepName("reorder-the-gateway", "Reorder the gateway", "B.manual 3")

QUOTA = StepName("ask-for-quota", "Ask for quota", "B.manual 3")

PROLONGED = StepName("tell-users-that-ai-features-have-issues", "Tell users that AI features have issues", "B.manual 2")

VERIFY = StepName("verify", "Verify", "B.manual 3")
RESOLVED = StepName("tell-users-that-it-is-resolved", "Tell users that it is resolved", "B.manual 2")
CLOSE = StepName("close", "Close", "B.manual 3")

# What stands still from a step on, until another one has been done.
STANDS = (StandsStill(PROLONGED, "the status page tells users of an incident", RESOLVED),)
