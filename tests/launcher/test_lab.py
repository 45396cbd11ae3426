"""JupyterLab on a record: what it reads, where it writes, how it ends. The rest is seen in tests/browser."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from tornado.web import HTTPError

from drcore import plans
from drcore.errors import Exit
from drcore.launcher import lab
from drcore.launcher.result import result_from_journal
from drcore.parameters import Mode, SecretRef
from drcore.record.events import Event, read_events
from drcore.record.files import MANIFEST, NOTEBOOK, PAGE
from drcore.record.proof import verify
from drcore.record.run_parameters import RunParameters
from tests.support.engine_world import service
from tests.support.running_lab import Lab, running_lab

KEY, THEIRS = "hunter2-of-the-page", "the-token-of-the-user"
REFERENCE = "env:OF_THE_PAGE"  # a variable whose name does not say that it is a secret


# ── a person looks, runs nothing, presses Ctrl-C twice ───────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Looked:
    """The lab that was looked at, how it ended, the user's home before and after."""

    lab: Lab
    exit: int
    port: int
    home: dict[str, str]
    home_after: dict[str, str]
    left_over: list[Path]
    again: Lab
    again_exit: int


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Looked:
    """With a home whose Jupyter is configured so that nothing would work, and Jupyter's usual port taken."""
    home, temporary = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("t")
    config = home / ".jupyter"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text("raise SystemExit('the configuration of the user was read')\n")
    kernel = home / ".local" / "share" / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text('{"argv": ["false"], "display_name": "mine", "language": "python"}')
    environment = {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_TOKEN": THEIRS,
    }
    before, records = files(home), tmp_path_factory.mktemp("records")
    with taken(8888), running_lab("lab", "f", "-p", "bug=seen by me", records=records, environment=environment) as it:
        port = int(it.url.split(":")[2].split("/")[0])
        code = it.end(signal.SIGINT, signal.SIGINT)
        with running_lab("resume", it.folder.name, "--lab", records=records, environment=environment) as again:
            again_code = again.end(signal.SIGTERM)
    left_over = list(temporary.glob("drcore-lab-*"))
    return Looked(it, code, port, before, files(home), left_over, again, again_code)


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            pass  # by somebody else: as good
        yield


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_port_that_is_taken_should_not_keep_jupyterlab_from_starting(looked: Looked) -> None:
    assert looked.port != 8888


def test_the_users_own_jupyter_should_neither_be_read_nor_written(looked: Looked) -> None:
    assert looked.home_after == looked.home
    assert looked.lab.token != THEIRS


def test_nothing_should_be_left_of_jupyterlab_but_the_record(looked: Looked) -> None:
    assert looked.left_over == []
    assert {path.name for path in looked.lab.folder.iterdir()} == {
        *("evidence", "journal.jsonl", "parameters.json"),
        *(MANIFEST, NOTEBOOK, PAGE),
    }


def test_the_token_should_be_in_no_file_of_the_record(looked: Looked) -> None:
    token = looked.lab.token.encode()
    assert [path for path in looked.lab.folder.rglob("*") if path.is_file() and token in path.read_bytes()] == []


def test_who_only_looks_should_leave_a_record_that_says_so(looked: Looked) -> None:
    """Neither a pass nor a miss: nothing was run, and the record holds."""
    assert looked.exit == looked.lab.told["exit"] == Exit.INTERRUPTED
    assert (looked.lab.told["verdict"], looked.lab.told["steps"]) == ("stopped", [])
    assert "STOPPED" in (looked.lab.folder / PAGE).read_text()
    assert "before any cell was run" in (looked.lab.folder / PAGE).read_text()
    proof = verify(looked.lab.folder)
    assert proof.holds, proof.problems
    assert not any("bound by no line" in note for note in proof.notes)


def test_a_run_should_be_opened_in_jupyterlab_again(looked: Looked) -> None:
    """In its own record, in the same world; ended by SIGTERM it is finished all the same."""
    assert looked.again.folder == looked.lab.folder
    assert (looked.again_exit, looked.again.told["verdict"]) == (Exit.TERMINATED, "stopped")
    assert looked.again.told["record"] == str(looked.lab.folder)


def test_the_notebook_should_be_the_plans_with_the_parameters_of_this_run(looked: Looked) -> None:
    written = nbformat.read(looked.lab.folder / NOTEBOOK, as_version=4)
    nbformat.validate(written)
    (given,) = [cell.source for cell in written.cells if "injected-parameters" in cell.metadata.get("tags", [])]
    assert f'run_id = "{looked.lab.folder.name}"' in given
    assert 'mode = "rehearse"' in given
    assert 'bug = "seen by me"' in given
    assert "papermill" not in written.metadata, "papermill has not run it"


# ── what is saved ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record as the server of JupyterLab stands in it; the run's one secret comes from its environment."""
    page = service().status_page.model_copy(update={"api_key": SecretRef(secret=REFERENCE)})
    RunParameters("a-run", "f", Mode.REHEARSE, service(status_page=page), {}, {}).write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lab, "_saving", [])
    monkeypatch.setenv("OF_THE_PAGE", KEY)
    return tmp_path


def saved(text: str) -> str:
    """The content of a file with such an output, as it would be written."""
    output = nbformat.v4.new_output("stream", text=text)
    shown = nbformat.v4.new_output("display_data", {"text/html": f"<b>{text}</b>", "application/json": {"a": text}})
    cell = nbformat.v4.new_code_cell(f"x = {text!r}", outputs=[output, shown])
    model = {"type": "notebook", "content": nbformat.v4.new_notebook(cells=[cell])}
    lab.redact_before_saving(model, NOTEBOOK)
    return json.dumps(model["content"])


def test_a_secret_in_an_output_should_not_get_to_the_disk(record: Path) -> None:
    assert KEY not in saved(f"the key is {KEY}!")
    assert "nothing secret" in saved("nothing secret")


def test_a_text_file_should_be_saved_without_it_too(record: Path) -> None:
    model: dict[str, Any] = {"type": "file", "format": "text", "content": f"note: {KEY}"}
    lab.redact_before_saving(model, "note.txt")
    assert model["content"] == "note: [redacted]"


def test_a_secret_that_could_not_be_read_at_first_should_be_known_later(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OF_THE_PAGE")
    saved("before it could be read")
    monkeypatch.setenv("OF_THE_PAGE", KEY)
    assert KEY not in saved(KEY)


def test_nothing_should_be_saved_when_secrets_cannot_be_taken_out(record: Path) -> None:
    """Jupyter would log any other exception, and write the file as it is."""
    (record / "parameters.json").write_text("{}")
    with pytest.raises(HTTPError, match="was not saved"):
        saved(KEY)


# ── what the journal says of how it ended ────────────────────────────────────────────────────────────────────────────

OPENED = {"event": "opened", "mode": "drill"}
REACHED = {"event": "verdict", "word": "goal reached", "why": "well", "exit": 0, "rto": None, "rpo": None}
REFUSED = {"event": "refused", "what": "Decide", "why": "typed 'no'"}
DECIDED = {"event": "step-ended", "step": "Decide", "outcome": "DONE", "seconds": {"machine": 1}}


@pytest.mark.parametrize(
    ("lines", "word", "code"),
    [
        ([OPENED, REACHED, {"event": "closed"}], "goal reached", Exit.REACHED),
        ([OPENED, REACHED, {"event": "closed", "lock": "denied"}], "goal reached", Exit.MISSED),
        ([OPENED, {"event": "closed"}], "goal missed", Exit.MISSED),
        ([OPENED, {"event": "ready"}, REACHED], "stopped", Exit.INTERRUPTED),
        ([OPENED, {"event": "closed"}, {"event": "opened-again"}], "stopped", Exit.INTERRUPTED),
        ([OPENED, REFUSED, {"event": "closed"}], "refused", Exit.REFUSED),
        ([OPENED, REFUSED, DECIDED, REACHED, {"event": "closed"}], "goal reached", Exit.REACHED),
        ([OPENED, REFUSED, DECIDED, REFUSED, {"event": "closed"}], "refused", Exit.REFUSED),
    ],
    ids=[
        "closed",
        "closed, the lock left",
        "no verdict",
        "not closed",
        "opened again",
        "refused",
        "refused, then done",
        "refused again",
    ],
)
def test_the_exit_code_should_be_what_the_journal_says(
    tmp_path: Path, lines: list[dict[str, Any]], word: str, code: Exit
) -> None:
    numbered: list[Event] = [{"n": number, **line} for number, line in enumerate(lines, start=1)]
    setting = RunParameters("a-run", plans.find("f").id, Mode.DRILL, service(), {}, {})
    ended = result_from_journal(numbered, tmp_path, setting, None)
    assert (ended.word, ended.exit) == (word, code)
    if word == "stopped" and "ready" in [line["event"] for line in lines]:
        assert "lock of the plan is still held" in ended.why


def test_a_journal_without_a_line_of_the_run_should_be_enough(looked: Looked) -> None:
    assert "opened" not in [line["event"] for line in read_events(looked.lab.folder)]
