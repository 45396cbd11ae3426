"""The versions have one source, and whoever clones this gets what was tested."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads(PYPROJECT)["project"]
CONDA = YAML(typ="safe").load(ROOT / "environment.yml")

# conda-forge splits these packages: the part without a desktop or pandoc is enough.
CONDA_NAMES = {"matplotlib-base": "matplotlib", "nbconvert-core": "nbconvert"}
ONLY_CONDA = {"python", "pip", "hatchling"}  # what an editable install needs; not a dependency of drcore


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(each.name): each for each in map(Requirement, lines)}


EXTRAS = {extra: requirements(lines) for extra, lines in PROJECT["optional-dependencies"].items()}
RUNTIME = requirements(PROJECT["dependencies"])
SANDBOX = RUNTIME | EXTRAS["sandbox"]
SPARK = EXTRAS["spark"]  # by `make spark` only, so not in the lock
EVERYTHING = SANDBOX | EXTRAS["dev"]


def locked() -> dict[str, list[Requirement]]:
    """Each package of the lock, with its versions (more than one where the Python version decides)."""
    found: dict[str, list[Requirement]] = {}
    for line in re.findall(r"^[a-z0-9].*", LOCK, re.MULTILINE):
        requirement = Requirement(line.rstrip(" \\"))
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def conda() -> dict[str, SpecifierSet]:
    """The entries of environment.yml by their PyPI name; conda's single `=` means `==`."""
    entries = CONDA["dependencies"]
    plain = [re.sub(r"(?<![<>=!~])=(?!=)", "==", each) for each in entries if isinstance(each, str)]
    by_pip = [each for part in entries if isinstance(part, dict) for each in part["pip"]]
    found = requirements([*plain, *(each for each in by_pip if not each.startswith("-"))])
    return {CONDA_NAMES.get(name, name): each.specifier for name, each in found.items()}


def tracked() -> list[Path]:
    """Files that are in git, or would be with `git add .`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout, so there are no tracked files to look at")
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_dependency_should_be_locked_within_its_bounds(name: str) -> None:
    for pin in locked().get(name, []):
        (exact,) = pin.specifier
        assert exact.operator == "=="
        assert EVERYTHING[name].specifier.contains(exact.version), f"{pin} in the lock; run `make lock`"
    assert name in locked(), f"{name} is not in requirements.lock; run `make lock`"


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_dependency_should_be_installed_as_locked(name: str) -> None:
    (pin,) = [pin for pin in locked()[name] if pin.marker is None or pin.marker.evaluate()]
    assert pin.specifier.contains(version(name)), f"{pin} in the lock, {version(name)} installed; run `make`"


def test_every_dependency_should_say_beside_it_why_it_is_there() -> None:
    lines = [line for line in PYPROJECT.splitlines() if re.match(r'  "[a-z].*[<>=]=', line)]
    assert len(lines) == len(EVERYTHING | SPARK)
    assert [line for line in lines if not re.search(r'", +# \S+ \S', line)] == []


def test_the_lock_should_hash_every_package_and_name_no_host() -> None:
    pins = len(re.findall(r"^[a-z0-9]", LOCK, re.MULTILINE))
    assert len(re.findall(r"^[a-z0-9].*\\\n    --hash=sha256:", LOCK, re.MULTILINE)) == pins > 100
    assert re.findall(r"https?:|file:|--index|--extra-index|--find-links|--trusted|-i ", LOCK) == []


def test_the_environment_for_conda_should_hold_the_same_bounds() -> None:
    bounds = {name: each for name, each in conda().items() if name not in ONLY_CONDA}
    assert bounds == {name: each.specifier for name, each in SANDBOX.items()}
    assert conda()["python"] == SpecifierSet(PROJECT["requires-python"])
    assert CONDA["channels"] == ["conda-forge"]


@pytest.mark.parametrize(("name", "bounds"), conda().items())
def test_every_entry_for_conda_should_be_locked_and_satisfied_here(name: str, bounds: SpecifierSet) -> None:
    if name == "python":
        assert bounds.contains(".".join(map(str, sys.version_info[:3])))
        return
    assert name in locked()
    assert bounds.contains(version(name))


def test_every_package_that_is_imported_should_be_declared() -> None:
    """A package that only comes along with another one disappears one day."""
    owners = packages_distributions()
    undeclared = {
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in ("drcore", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in imported(path) - sys.stdlib_module_names - {"drcore", "tests", "_typeshed"}
        if not {canonicalize_name(owner) for owner in owners.get(name, [])} & set(declared_for(path))
        and name not in SPARK
    }
    assert undeclared == set()


def declared_for(path: Path) -> dict[str, Requirement]:
    """What a file may import."""
    if path.is_relative_to(ROOT / "tests"):
        return EVERYTHING
    return SANDBOX if path.is_relative_to(ROOT / "drcore" / "sandbox") else RUNTIME


def imported(path: Path) -> set[str]:
    """The top-level names that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module or ""}
    return {name.split(".")[0] for name in names}


def test_no_tracked_file_should_name_a_place_on_the_machine_that_made_it() -> None:
    home = re.compile(rf"/(?:root|work|home/\w+|Users/\w+)/|{re.escape(str(ROOT))}\b")
    named = {}
    for path in tracked():
        if path != Path(__file__) and (found := home.search(path.read_bytes().decode(errors="replace"))):
            named[str(path.relative_to(ROOT))] = found.group()
    assert named == {}
