"""What plan F says in public."""

from __future__ import annotations

INVESTIGATING = "We are investigating errors after a change to our service. Some syncs may fail or be slow."
ROLLED_BACK = "The change that caused errors was rolled back"


def over(what: str) -> str:
    """That it has ended, and how."""
    return f"{what}, and the service works normally. Thank you for your patience."
