"""A throw-away environment on top of this one: some packages of its own, all others from here."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def layered(*requirements: str) -> Iterator[Path]:
    """The Python of an environment in which these are installed as well, or instead."""
    with tempfile.TemporaryDirectory(prefix="drcore-layer-") as name:
        folder = Path(name)
        venv.create(folder, symlinks=True, with_pip=False)
        python = folder / "bin" / "python"
        pip = (
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--python",
            str(python),
            "install",
            "--quiet",
        )
        subprocess.run([*pip, *requirements], check=True)
        own = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        below = sysconfig.get_path("purelib")
        (Path(own) / "below.pth").write_text(f"import site; site.addsitedir({below!r})\n")
        (folder / "share").mkdir(exist_ok=True)
        (folder / "share" / "jupyter").symlink_to(Path(sys.prefix) / "share" / "jupyter")  # templates, kernels
        yield python
