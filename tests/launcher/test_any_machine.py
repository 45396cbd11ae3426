"""The first command on a machine that is not as ours is: it works, or says in one sentence what it lacks."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from ruamel.yaml import YAML

from drcore.cli.app import guarded
from drcore.record.events import read_events
from drcore.record.files import JOURNAL, PARAMETERS
from drcore.record.proof import verify
from tests.support.command import COMMAND, SEED, Said, drcore, in_process
from tests.support.exhaustive import EXHAUSTIVE

ROOT = Path(__file__).parents[2]
CLOSED = "127.0.0.1:9"  # nobody listens on the port of the discard service


def rehearsed(records: Path, **environment: str) -> Said:
    return drcore("rehearse", "f", "--seed", str(SEED), "--records", records, "--json", environment=environment)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of what the user may change."""
    for name in ("notebooks", "parameters"):
        shutil.copytree(ROOT / name, tmp_path / "home" / name)
    return tmp_path / "home"


@pytest.fixture
def on_aws(home: Path) -> Path:
    """The same, with an environment that is filled in and asks AWS itself; it is only asked who is there."""
    yaml = YAML()
    source, folder = home / "parameters" / "sandbox", home / "parameters" / "staging"
    for file in source.iterdir():
        shutil.copy(file, folder / file.name)
    facts = yaml.load((source / "service.yaml").read_text())
    for field in ("endpoint", "clock", "faults", "world", "drill_policy", "role"):
        facts.pop(field, None)
    facts |= {"environment": "staging", "modes": ["rehearse"]}
    facts["status_page"]["url"] = f"http://{CLOSED}"
    facts["api"] = dict.fromkeys(facts["regions"], f"http://{CLOSED}")
    with (folder / "service.yaml").open("w") as filled:
        yaml.dump(json.loads(json.dumps(facts).replace("{world}", f"http://{CLOSED}")), filled)
    return home


# ── What an emulated world needs nothing of ──────────────────────────────────────────────────────────────────────────


def test_what_is_odd_about_the_machine_should_not_keep_the_sandbox_from_working(home: Path, tmp_path: Path) -> None:
    """All in one run, as each takes a world.

    No git, a proxy that is dead, a profile that is not there, a setting that botocore does not know, facts that stand
    in variables with names of secrets, a notebook that was saved without the name of a kernel.
    """
    path = home / "notebooks" / "f_backend_rollback.ipynb"
    notebook = nbformat.read(path, as_version=4)
    del notebook.metadata["kernelspec"]
    nbformat.write(notebook, path)
    ended = rehearsed(
        tmp_path / "records",
        DRCORE_HOME=str(home),
        PATH="/nonexistent",
        HTTP_PROXY=f"http://{CLOSED}",
        HTTPS_PROXY=f"http://{CLOSED}",
        AWS_PROFILE="missing",
        AWS_DEFAULTS_MODE="bogus",
        SECRETS_REGION="us-east-1",
        TOKEN_TABLE="SyncWellMetadata",  # noqa: S106  # that is the point
    )
    assert ended.exit == 0, ended.err
    folder = Path(ended.json["record"])
    told = next(line for line in read_events(folder) if line["event"] == "host")
    assert told["revision"] == "not known: git is not there"
    assert "us-east-1" in (folder / PARAMETERS).read_text()
    assert "[redacted]" not in (folder / PARAMETERS).read_text(), "what is read back as facts is never redacted"


# ── What AWS needs ───────────────────────────────────────────────────────────────────────────────────────────────────


def asked(on_aws: Path, records: Path, **environment: str) -> Said:
    nobody = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "DRCORE_HOME": str(on_aws)}
    nobody |= {"AWS_SHARED_CREDENTIALS_FILE": os.devnull, "HTTPS_PROXY": f"http://{CLOSED}"}
    words = ("rehearse", "f", "--environment", "staging", "--records", records, "--json")
    return drcore(*words, environment=nobody | environment)


def test_a_profile_that_is_not_there_should_be_bad_input(on_aws: Path, tmp_path: Path) -> None:
    ended = asked(on_aws, tmp_path / "records", AWS_PROFILE="missing")
    assert ended.exit == ended.json["exit"] == 2, ended.err
    assert "AWS_PROFILE" in ended.json["message"] and "(missing)" in ended.json["message"]
    assert "Traceback" not in ended.err
    assert not (tmp_path / "records").exists(), "nothing was touched"


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("", "Unable to locate credentials"),
        ("half", "Partial credentials"),
        ("oncall", "aws sso login --profile oncall"),
    ],
)
def test_without_credentials_botocore_should_say_what_is_missing(
    profile: str, told: str, on_aws: Path, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(
        "[profile half]\naws_access_key_id = AKIA0000000000000000\n"
        "[profile oncall]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Recovery\n"
        "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\n"
    )
    chosen = {"AWS_PROFILE": profile, "AWS_CONFIG_FILE": str(tmp_path / "config"), "HOME": str(tmp_path)}
    ended = asked(on_aws, tmp_path / "records", **(chosen if profile else {}))
    assert ended.exit == ended.json["exit"] == 3, ended.err
    assert told in ended.err
    assert "has failed" not in ended.err, "no region is at fault"


def test_a_proxy_that_is_dead_should_be_named(on_aws: Path, tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIA0000000000000000", "AWS_SECRET_ACCESS_KEY": "0" * 40}
    ended = asked(on_aws, tmp_path / "records", **keys)
    assert ended.exit == 3, ended.err
    assert "proxy" in ended.err.lower()


# ── What every run needs ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("records", ["/proc/nowhere", "/dev/null/x", "/etc/passwd", "/sys/a", "{long}", "{loop}/a"])
def test_records_that_cannot_be_made_should_be_bad_input(records: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    place = records.format(long=f"{tmp_path}/{'x' * 300}", loop=tmp_path / "loop")
    ended = in_process("rehearse", "f", "--records", place, "--json")
    assert ended.exit == ended.json["exit"] == 2
    assert "--records" in ended.json["message"]


def test_too_few_open_files_should_be_told_before_anything_is_begun(tmp_path: Path) -> None:
    """As many as can be allowed are; where that is too few, no run begins that would end in the middle."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)); {COMMAND[2]}"
    words = (sys.executable, "-c", limited, "rehearse", "f", "--records", str(tmp_path / "records"), "--json")
    ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode == json.loads(ended.stdout.splitlines()[-1])["exit"] == 4
    assert ended.stderr.splitlines() == [
        "RunnerFailed: this machine allows 48 open files, a run needs 128: ulimit -n 1024. Nothing was touched."
    ]
    assert not (tmp_path / "records").exists()


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "free some space"), (errno.EMFILE, "ulimit -n"), (errno.EIO, "")]
)
def test_a_machine_that_has_run_out_of_something_should_be_told_in_one_sentence(
    number: int, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def full() -> None:
        raise OSError(number, os.strerror(number), "/records/journal.jsonl")

    with pytest.raises(Exception) as ended:  # noqa: PT011  # typer has no public name for it in its stubs
        guarded(full, as_json=True)
    said = capsys.readouterr()
    assert ended.value.exit_code == json.loads(said.out)["exit"] == 4  # type: ignore[attr-defined]
    assert os.strerror(number) in said.err and "/records/journal.jsonl" in said.err and remedy in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.skipif(not EXHAUSTIVE, reason="two runs, and a world for each")
@pytest.mark.parametrize("most", [60_000, 110_000])
def test_a_record_that_can_be_written_no_more_should_be_true_and_gone_on_with(most: int, tmp_path: Path) -> None:
    """As on a full disk: the error is another, and any account can have it."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most})); {COMMAND[2]}"
    words = (sys.executable, "-c", limited, "rehearse", "f", "--records", str(tmp_path), "--json")
    ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode == 4, ended.stderr
    message = json.loads(ended.stdout.splitlines()[-1])["message"]
    assert os.strerror(errno.EFBIG) in message or os.strerror(errno.ENOSPC) in message
    assert "free some space" in message

    (folder,) = tmp_path.iterdir()
    if (folder / JOURNAL).exists():
        assert verify(folder).holds and not verify(folder).proven
    resumed = drcore("resume", folder.name, "--records", tmp_path, "--json")
    assert resumed.exit == 0, resumed.err
    assert verify(folder).proven
