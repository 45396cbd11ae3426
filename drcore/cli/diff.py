"""The command that compares two states of a table."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drcore.cli.app import app, guarded
from drcore.cli.options import (
    AsJson,
    Environment,
    WorldAt,
)
from drcore.errors import Exit

if TYPE_CHECKING:
    from drcore.diff.report import Report

SIDE = "a table's name or ARN, the folder of an export, or its s3 URL."


@app.command()
def diff(
    restored: Annotated[str, typer.Argument(metavar="RESTORED", help="The good state: " + SIDE)],
    live: Annotated[str, typer.Argument(metavar="LIVE", help="The state in use: " + SIDE)],
    recovery_point: Annotated[
        str, typer.Option("--recovery-point", metavar="TIME", help="In UTC, such as 2026-01-05T09:41:12Z.")
    ] = "",
    faulty_writer: Annotated[
        list[str] | None, typer.Option("--faulty-writer", metavar="NAME", help="A writer that corrupts; repeatable.")
    ] = None,
    modified: Annotated[
        str, typer.Option("--modified", metavar="ATTRIBUTE", help="Where an item says when it was modified.")
    ] = "",
    writer: Annotated[
        str, typer.Option("--writer", metavar="ATTRIBUTE", help="Where it names its last writer, or a list of them.")
    ] = "",
    ttl: Annotated[
        str, typer.Option("--ttl", metavar="ATTRIBUTE", help="By which DynamoDB removes items itself (time to live).")
    ] = "",
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="ATTRIBUTE", help="Of two exports: the key; twice for a pair.")
    ] = None,
    engine: Annotated[str, typer.Option("--engine", metavar="ENGINE", help="duckdb, or spark.")] = "duckdb",
    shared: Annotated[
        str, typer.Option("--shared", metavar="URL", help="With spark on a cluster: a folder that all of it sees.")
    ] = "",
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the differences are put.")] = Path("diff"),
    environment: Environment = "sandbox",
    world: WorldAt = "",
    region: Annotated[
        str, typer.Option("--region", metavar="REGION", help="Of tables and buckets; else where the runner stands.")
    ] = "",
    segments: Annotated[
        int, typer.Option("--segments", metavar="N", help="How many segments of a table are read side by side.")
    ] = 1,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", help="So many processes read exports; 0: one a core, if it pays.")
    ] = 0,
    allow_unmatched: Annotated[
        bool, typer.Option("--allow-unmatched", help="Go on although a rule matches nothing among what differs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two states of a table: which items differ, what that means, and why.

    Exit codes: 0 no difference. 1 differences. 2 bad input. 4 not completed. Reads only.
    """

    def go() -> Report:
        from drcore.cli.differences import show_differences
        from drcore.cli.progress import Comparison
        from drcore.diff import request

        asked = request.DiffRequest(
            restored=restored,
            live=live,
            recovery_point=recovery_point,
            faulty=tuple(faulty_writer or ()),
            modified=modified,
            writer=writer,
            ttl=ttl,
            key=tuple(key or ()),
            engine=engine,
            out=out,
            environment=environment,
            world=world,
            region=region,
            segments=segments,
            shared=shared,
            allow_unmatched=allow_unmatched,
            jobs=jobs,
        )
        with Comparison() as bar:
            report = request.carry_out(asked, bar)
        show_differences(report, sys.stderr if as_json else sys.stdout)
        return report

    report = guarded(go, as_json)
    if as_json:
        typer.echo(json.dumps(report.as_data()))
    raise typer.Exit(Exit.MISSED if report.differs else Exit.REACHED)
