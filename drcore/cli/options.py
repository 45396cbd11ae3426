"""The options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PlanName = Annotated[str, typer.Argument(metavar="PLAN", help="The letter of a plan, for example f.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, the start of it, or its path.")]
Environment = Annotated[str, typer.Option("--environment", metavar="NAME", help="A folder of parameters/.")]
Fault = Annotated[
    str, typer.Option("--fault", metavar="NAME[:key=value,…]", help="What to break; a drill has a default.")
]
Seed = Annotated[
    str | None, typer.Option("--seed", metavar="N", help="The emulated world's seed: same seed, same run.")
]
Parameters = Annotated[
    list[str] | None, typer.Option("-p", metavar="name=value", help="A parameter of the notebook; repeatable.")
]
ApprovalsFile = Annotated[
    Path | None, typer.Option("--approvals", metavar="FILE", help="Approvals given beforehand, bound to one run.")
]
Records = Annotated[Path, typer.Option("--records", metavar="FOLDER", help="Where records are kept.")]
AsJson = Annotated[bool, typer.Option("--json", help="The last line of stdout is one JSON object.")]
WorldAt = Annotated[
    str, typer.Option("--world", metavar="URL", help="An emulated world that runs (see: drcore sandbox).")
]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="With JupyterLab: open a browser.")]
RECORDS = Path("records")
