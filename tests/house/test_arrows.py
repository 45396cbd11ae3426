"""The rules of the house: arrows go one way, and every room keeps to its purpose.

Imports that only the type checker reads count like all others. What is named as still to be mended may only get less.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Each package may import those before it, never those after it. A new one is put where its arrows go down.
PACKAGES = [
    *("errors", "clock", "parameters"),  # the ground
    *("record", "calls", "services"),  # what is left behind; the world outside
    *("engine", "diff", "show"),  # a step; what differs, what is seen
    *("learn", "plans", "run"),  # what a journal teaches, the plans, one run of one plan
    "probe",  # what only a real account can answer
    *("headless", "archive", "launcher", "schedule"),  # notebooks without a screen, what is left, what runs by itself
    *("cli", "__main__"),  # the doors for people
]
SANDBOX = [
    *("protocol", "moto", "core"),  # AWS's wire, the emulator, the world
    "identity",  # who may do what
    *("services", "vendors"),  # what is emulated
    *("syncwell", "endpoints", "__main__"),  # the simulated company, the doors
]
COMPANY = ["company", "life", "incidents", "truth"]  # what it has, what moves, what breaks, what tests read
TABLES = {"drcore": PACKAGES, "drcore.sandbox": SANDBOX, "drcore.sandbox.syncwell": COMPANY}

# Who may import what: a folder, or one module. Tests may too, and the sandbox, which is a stand-in for AWS.
ROOMS: dict[str, set[str]] = {
    "boto3": {"calls/aws.py", "calls/sessions.py"},
    # aws_command for the spelling of names; signed_identity signs what somebody else sends. Neither calls anything.
    "botocore": {f"calls/{name}.py" for name in ("aws", "aws_errors", "sessions", "aws_command", "signed_identity")},
    "urllib3": {"calls/http.py", "clock.py", "launcher/world.py"},  # services; the world that an environment brings
    "requests": set(),
    "httpx": set(),
    "jwt": {"calls/tokens.py"},
    "cryptography": set(),  # jwt stands on it
    "dns": {"services/dns.py"},
    "socket": set(),
    "http": set(),
    "urllib.request": {"calls/proxies.py"},  # where Python keeps the rule for proxies
    "matplotlib": {"show"},
    "PIL": {"show"},
    "IPython": {"show"},
    "icalendar": {"schedule"},
    "jinja2": {"show"},
    "time": {"clock.py"},
    "subprocess": {"headless/signals.py", "launcher", "run/host.py"},
    "duckdb": {"diff"},
    "numpy": {"diff"},
    "pyspark": {"diff"},
    "nbformat": {"headless"},
    "nbclient": {"headless"},
    "nbconvert": {"headless"},
    "jupyter_client": {"headless"},
    "papermill": {"headless", "launcher/lab.py"},
    "tornado": {"launcher/lab.py"},
    "typer": {"cli"},
    "rich": {"cli"},
    "moto": set(),
    "werkzeug": set(),
    "flask": set(),
    "time_machine": set(),
}
# moto by its public names: the wire's models, and of an emulated service its own kinds of resources.
MOTO = {"protocol": "core", "dynamodb": "dynamodb", "lambda_": "awslambda"} | {
    name: name for name in ("s3", "secretsmanager", "sns")
}
PRIVATE = {  # somebody else's private names, each for want of a public one
    "diff/spark.py": "Spark's Java side is reached no other way",
    "headless/signals.py": "os._exit is how a process ends at once",
    "sandbox/protocol/cbor.py": "botocore's CBOR has no door of its own",
}

AT_THE_TOP = {"__init__.py", "__main__.py", "errors.py", "clock.py", "parameters.py"}
# Folders of tests that test no folder: families, measurements, the house itself, what tests need.
ELSEWHERE = {
    "benchmarks",
    "browser",
    "family",
    "house",
    "mutants",
    "notebooks",
    "proof",
    "reference",
    "support",
    "typing",
}
LONGEST = 400


FILES = sorted((ROOT / "drcore").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name_of(path: Path) -> str:
    """`drcore.calls.aws` for drcore/calls/aws.py."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in FILES}


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """The full names that a module imports, anywhere in it."""
    found = set[str]()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


@functools.cache
def arrows(name: str) -> frozenset[str]:
    """The modules of drcore that a module imports."""
    found = set[str]()
    for imported in imports(MODULES[name]):
        target = imported
        while target and target not in MODULES:
            target = target.rpartition(".")[0]
        found |= {target} - {"", name}
    return frozenset(found)


def inside(name: str, package: str) -> str:
    """The part of `package` that a module stands in; empty where it stands elsewhere."""
    return name.removeprefix(f"{package}.").partition(".")[0] if name.startswith(f"{package}.") else ""


def reached(start: str) -> set[str]:
    """All modules that a module needs, at whatever distance."""
    found, ahead = set[str](), [start]
    while ahead:
        new = arrows(ahead.pop()) - found
        found |= new
        ahead += new
    return found


def phase(name: str) -> int | None:
    """The number of a phase of a plan: 2 for drcore.plans.g.p02_deny_writes."""
    found = re.match(r"drcore\.plans\.\w+\.p(\d+)_", name)
    return int(found[1]) if found else None


def within(path: Path, rooms: Iterable[str]) -> bool:
    """Whether a module of drcore is one of these, or in one of these folders."""
    here = path.relative_to(ROOT / "drcore")
    return any(here.is_relative_to(room) for room in rooms)


# ── Arrows


def test_no_module_should_need_itself() -> None:
    needs = {name: reached(name) for name in MODULES}
    circles = {frozenset(m for m in needs[name] if name in needs[m]) for name in MODULES if name in needs[name]}
    assert circles == set(), "modules that import each other in a circle, types included"


def test_every_package_should_have_its_place_in_a_table() -> None:
    for package, table in TABLES.items():
        found = {inside(name, package) for name in MODULES} - {""}
        assert found - {*table, "sandbox"} == set(), f"put it into the table of {package}, where its arrows go down"


def test_packages_should_import_those_below_them_only() -> None:
    for package, table in TABLES.items():
        pairs = {(name, target) for name in MODULES for target in arrows(name)}
        known = {(n, t) for n, t in pairs if inside(n, package) in table and inside(t, package) in table}
        up = {(n, t) for n, t in known if table.index(inside(t, package)) > table.index(inside(n, package))}
        assert up == set()


def test_a_plan_should_know_no_other_plan() -> None:
    known = {(n, t) for n in MODULES for t in arrows(n) if inside(n, "drcore.plans") and inside(t, "drcore.plans")}
    parts = {(n, t, inside(n, "drcore.plans"), inside(t, "drcore.plans")) for n, t in known}
    assert {(n, t) for n, t, here, there in parts if there not in (here, "shared")} == set()


def test_a_phase_should_import_no_later_phase() -> None:
    phases = {name: number for name in MODULES if (number := phase(name)) is not None}
    assert {(n, t) for n, number in phases.items() for t in arrows(n) if phases.get(t, 0) > number} == set()


def test_what_is_no_phase_should_import_none() -> None:
    beside = {n for n in MODULES if n.count(".") == 3 and inside(n, "drcore.plans") and phase(n) is None}
    assert {n for n in beside if any(phase(t) is not None for t in arrows(n))} == set()


def test_nothing_outside_the_sandbox_should_know_of_it() -> None:
    outside = {name: path for name, path in MODULES.items() if not name.startswith("drcore.sandbox")}
    assert {name for name in outside if any(target.startswith("drcore.sandbox") for target in arrows(name))} == set()
    for path in outside.values():
        decisions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Compare | ast.MatchValue)]
        parts = [part for decision in decisions for part in ast.walk(decision)]
        assert [part for part in parts if isinstance(part, ast.Constant) and part.value == "sandbox"] == [], path


def test_the_sandbox_should_import_nothing_of_drcore_but_itself() -> None:
    ours = {(n, t) for n in MODULES if n.startswith("drcore.sandbox") for t in arrows(n)}
    assert {(n, t) for n, t in ours if not t.startswith("drcore.sandbox")} == set()


# ── Rooms


def test_what_has_a_room_should_be_imported_there_only() -> None:
    outside = [path for path in FILES if not within(path, ["sandbox"])]
    for package, rooms in ROOMS.items():
        users = {path for path in outside if any(f"{name}.".startswith(f"{package}.") for name in imports(path))}
        assert {str(path) for path in users if not within(path, rooms)} == set(), package
        assert all((ROOT / "drcore" / room).exists() for room in rooms), f"a room of {package} is gone"


def test_only_one_package_should_know_the_inside_of_moto() -> None:
    for path in (path for path in FILES if within(path, ["sandbox"]) and not within(path, ["sandbox/moto"])):
        own = MOTO.get(path.stem) or MOTO.get(path.parent.name, "nothing")
        names = {name for name in imports(path) if name.partition(".")[0] == "moto"}
        assert {name for name in names if not name.startswith(f"moto.{own}.") or "._" in name} == set(), path


def test_what_is_private_should_be_used_where_it_is_made() -> None:
    for path in (path for path in FILES if not within(path, ["sandbox/moto", *PRIVATE])):
        nodes = list(ast.walk(tree(path)))
        made = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        used = [node for node in nodes if isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr)]
        made |= {node.attr for node in used if ast.unparse(node.value) in ("self", "cls")}
        made |= {
            node.target.id for node in nodes if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        assert [ast.unparse(node) for node in used if node.attr not in made] == [], path
        assert [name for name in imports(path) if name.startswith("drcore.") and "._" in name] == [], path


def test_a_journal_should_be_asked_in_one_place() -> None:
    asking = set()
    for path in (path for path in FILES if not within(path, ["record", "sandbox"])):
        keys = [node.slice for node in ast.walk(tree(path)) if isinstance(node, ast.Subscript)]
        if any(isinstance(key, ast.Constant) and key.value == "event" for key in keys):
            asking.add(str(path.relative_to(ROOT / "drcore")))
    assert asking == set(), "ask drcore/record/history.py"


# ── Sizes, names, places


def test_the_top_should_be_the_ground_only() -> None:
    assert {path.name for path in (ROOT / "drcore").glob("*.py")} - AT_THE_TOP == set()


def test_no_module_should_be_longer_than_one_can_keep_in_mind() -> None:
    long = {str(path.relative_to(ROOT)) for path in [*FILES, *TESTS] if len(path.read_text().splitlines()) > LONGEST}
    assert long == set(), "split it"


def test_a_folder_of_tests_should_have_the_name_of_what_it_tests() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in TESTS}
    ours = {folder for folder in folders if ELSEWHERE.isdisjoint(folder.parts)}
    assert {str(folder) for folder in ours if not (ROOT / "drcore" / folder).is_dir()} == set()


def test_every_module_of_services_should_have_tests_of_its_own() -> None:
    rooms = ROOT / "drcore" / "services", ROOT / "tests" / "services"
    modules = {path.relative_to(rooms[0]) for path in rooms[0].rglob("*.py") if path.stem != "__init__"}
    tests = {path.relative_to(rooms[1]) for path in rooms[1].rglob("test_*.py")}
    assert {str(path) for path in modules if path.with_name(f"test_{path.name}") not in tests} == set()


def test_every_module_should_say_its_one_purpose_in_its_first_line() -> None:
    for path in FILES:
        first = (ast.get_docstring(tree(path)) or "").partition("\n")[0]
        assert first.endswith("."), f"{path}: the docstring begins with {first!r}; it should be one sentence"
        assert " and " not in first, f"{path}: {first!r} names two purposes: split it, or find one word for both"


def test_a_class_should_have_a_name_of_its_own() -> None:
    """Each plan has its facts, and what only its incident knows; any other name means one thing."""
    names = Counter(n.name for path in FILES for n in tree(path).body if isinstance(n, ast.ClassDef))
    assert {name for name, times in names.items() if times > 1} - {"Facts", "Incident"} == set()


def test_a_name_should_say_what_the_thing_is() -> None:
    """`told` was a text, the fields of a line, a list of events and a message."""
    for path in FILES:
        nodes = [*ast.walk(tree(path))]
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        assert "told" not in names | {node.name for node in nodes if isinstance(node, ast.FunctionDef)}, path


def test_nothing_should_be_left_over_or_named_for_nothing() -> None:
    for path in FILES:
        assert path.stem not in {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
        assert re.findall(r"raise NotImplementedError|\b(?:TODO|FIXME|XXX)\b", path.read_text()) == [], path
