"""Commands for sealed batches and for documents that leave them: verify. None of them needs the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lrp_audit.commands.signatures import Roots
    from lrp_audit.sealing.finding import Finding

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def verify(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders of batches, and PDF files that lrp-audit wrote.", metavar="PATH...")
    ],
    trust: Annotated[
        Path | None, typer.Option(help="Certificates of those whom you trust, PEM or DER.", metavar="FILE")
    ] = None,
    root: Annotated[str | None, typer.Option(help="The root of the batch, as you kept it.", metavar="HEX")] = None,
    as_json: AsJson = False,
) -> None:
    """Check that documents and batches are what they were. Exits with 1 if anything does not hold.

    Of a PDF: signature, time stamp, record and event log. Of a batch: every file and digest, the tree and its root,
    the signature, and that all decisions are there with their documents. Works offline.
    """
    roots: Roots = ()
    if trust is not None:
        from lrp_audit.commands.keys import require_extra

        require_extra()
        from lrp_audit.commands.signatures import read_roots

        roots = read_roots(trust)
    found = {path.as_posix(): _verified(path, roots, root) for path in paths}
    _show(found, as_json=as_json)
    if any(item.holds is False for every in found.values() for item in every):
        raise typer.Exit(1)


def _verified(path: Path, roots: Roots, root: str | None) -> tuple[Finding, ...]:
    if path.is_dir():
        from lrp_audit.commands.batch_verification import verify_batch

        return tuple(verify_batch(path, roots, root))
    from lrp_audit.commands.keys import require_extra

    require_extra()
    from lrp_audit.commands import verification

    return verification.verify(path, roots)


def _show(found: dict[str, tuple[Finding, ...]], *, as_json: bool) -> None:
    from lrp_audit.terminal import printable

    if as_json:
        listed = {
            name: [{"holds": item.holds, "finding": item.sentence} for item in every] for name, every in found.items()
        }
        typer.echo(json.dumps(listed, indent=2))
        return
    marks = {True: "holds", False: "FAILS", None: "note"}
    for name, every in found.items():
        typer.echo(printable(name))
        for item in every:
            typer.echo(f"  {marks[item.holds]:7}{printable(item.sentence)}")


EXAMPLES: tuple[tuple[Callable[..., None], str], ...] = (
    (verify, "lrp-audit verify reports/3f09c2d1a7b4e5f6/notice.pdf --trust root.pem"),
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command, example in EXAMPLES:
        app.command(epilog=f"Example: {example}")(command)
