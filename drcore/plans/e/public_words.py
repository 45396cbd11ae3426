"""What plan E says in public."""

from __future__ import annotations

# No word of the hole before it is closed: it would help whoever looks for it.
MAINTENANCE = (
    "SyncWell is under maintenance. Syncs and changes to settings are paused, and connected accounts are not "
    "refreshed. Your data is safe where it is. We will post an update here."
)
SIGN_IN = (
    "As a precaution we have ended the connections to your fitness accounts. Please open SyncWell and sign in to "
    "each of them again. Syncs and changes are possible again in a few minutes."
)


def closed(when: str) -> str:
    """Only once it is verified: the hole is closed, the old connections are worth nothing. `when`: ` since …`."""
    return (
        f"A vulnerability in SyncWell could have given others access to data of connected accounts{when}. "
        "It is closed. All earlier connections are invalid, so that nobody can use them any more; please sign in to "
        "your accounts again. We are finding out who was affected, and will tell them ourselves."
    )
