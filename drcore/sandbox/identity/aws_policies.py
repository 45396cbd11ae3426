"""AWS's own policies that the account uses, as moto's list of September 2026 has them."""

import functools
import json
from pathlib import Path
from typing import Any

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@functools.cache
def read_only_access() -> dict[str, Any]:
    """ReadOnlyAccess; in a file of its own, as moto takes half a second for all of them."""
    document: dict[str, Any] = json.loads(Path(__file__).with_name("read_only_access.json").read_bytes())
    return document
