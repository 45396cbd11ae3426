"""The golden records, unpacked: real runs of format 1."""

from __future__ import annotations

import tarfile
from pathlib import Path

GOLDEN = Path(__file__).parents[1] / "record" / "golden"


def unpack(below: Path, *names: str) -> Path:
    """Unpack all golden records, or those that are named, below a folder; the folder."""
    for packed in sorted(GOLDEN.iterdir()):
        if names and packed.stem not in names:
            continue
        with tarfile.open(packed) as archive:
            assert {Path(name).parts[0] for name in archive.getnames()} == {packed.stem}
            archive.extractall(below, filter="data")
    return below
