"""What plan G says in public."""

from __future__ import annotations

MAINTENANCE = (
    "We have found a major issue that affects the sync settings of some users. SyncWell is going into maintenance "
    "mode while we mend it: syncs and changes to settings are paused. We will post an update here."
)
WHAT = "sync settings"  # what users cannot do meanwhile


def window(begins: str, ends: str, day: str) -> str:
    """The time of which changes were damaged, or are lost."""
    return f"between {begins} and {ends} UTC on {day}"


def switched(backup: str, lost: str, changes: object) -> str:
    """After a switch. `backup` is the time of the state that is served, `lost` the window of what is lost."""
    return (
        f"SyncWell works again. It has been restored from a backup of {backup} UTC. Changes to sync settings that were "
        f"made {lost} have been lost: {changes} changes. Please check your settings, and make such changes again."
    )


def repaired(users: int, damaged: str, by_person: int) -> str:
    """After a repair in place; `by_person` are the users whose items are left for a person."""
    text = (
        f"SyncWell works again. The sync settings of {users} users, which were damaged {damaged}, have been restored "
        "from a backup. All other changes were kept."
    )
    if by_person:
        text += f" We will write to {by_person} users who had changed damaged settings themselves."
    return text


SORRY = "We are sorry."
