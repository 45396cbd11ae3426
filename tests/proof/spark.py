"""The comparison on Spark, which is neither in the lock nor in .ci/run: 460 MB, and Java 17 or newer."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.proof.layered import layered

ROOT = Path(__file__).parents[2]


def main() -> None:
    if not shutil.which("java"):
        sys.exit("expected Java 17 or newer, which Spark runs on, found none")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    with layered(*extras["spark"]) as python:
        words = ("-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "tests/diff/test_spark.py")
        subprocess.run([python, *words], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
