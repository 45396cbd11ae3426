"""What plan C says in public: our words, as the plan names none."""

from __future__ import annotations

INVESTIGATING = (
    "We are investigating a problem in the newest version of the app, and have stopped its rollout. "
    "If you have not updated yet, please wait."
)


def over(bad: str, version: str) -> str:
    """That another version takes the place of the bad one."""
    return (
        f"The problem in version {bad} of the app is fixed in version {version}. "
        "Please update the app in your store. Thank you for your patience."
    )
