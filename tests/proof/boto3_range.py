"""Both ends of the range of boto3 in pyproject.toml: the tests of our calls, and a drill of each plan."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from drcore import plans
from tests.proof.layered import layered

ROOT = Path(__file__).parents[2]
PACKAGES = ("boto3", "botocore")


def end_of_range(end: str) -> list[str]:
    """What pip is asked for: the lowest version of each, or whatever is the newest within the range."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = {each.name: each.specifier for each in map(Requirement, project["dependencies"]) if each.name in PACKAGES}
    if end == "newest":
        return [f"{name}{specifier}" for name, specifier in bounds.items()]
    return [f"{name}=={bound.version}" for name, bounds in bounds.items() for bound in bounds if bound.operator == ">="]


def main() -> None:
    with layered(*end_of_range(sys.argv[1])) as python, tempfile.TemporaryDirectory() as records:
        versions = "import boto3, botocore; print('boto3', boto3.__version__, 'botocore', botocore.__version__)"
        for words in (
            ("-c", versions),
            ("-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "tests/calls"),
            *(("-m", "drcore", "drill", plan, "--records", records) for plan in plans.ids()),
        ):
            subprocess.run([python, *words], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
