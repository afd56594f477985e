"""Commands for sealed batches and for documents that leave them: verify and prove. None of them needs the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrp_audit.errors import DataError

if TYPE_CHECKING:
    from lrp_audit.commands.signatures import Roots
    from lrp_audit.sealing.finding import Finding

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def verify(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Folders of batches, PDF files that lrp-audit wrote, proofs.", metavar="PATH..."),
    ],
    trust: Annotated[
        Path | None, typer.Option(help="Certificates of those whom you trust, PEM or DER.", metavar="FILE")
    ] = None,
    root: Annotated[str | None, typer.Option(help="The root of the batch, as you kept it.", metavar="HEX")] = None,
    document: Annotated[Path | None, typer.Option(help="What a proof was made for.", metavar="FILE")] = None,
    manifest: Annotated[Path | None, typer.Option(help="The manifest that a proof leads to.", metavar="FILE")] = None,
    as_json: AsJson = False,
) -> None:
    """Check that documents and batches are what they were. Exits with 1 if anything does not hold.

    Of a PDF: signature, time stamp, record and event log. Of a batch: every file and digest, the tree and its root,
    the signature, and that all decisions are there with their documents. Of a proof: that --document is part of the
    batch with this root. Works offline.
    """
    roots: Roots = ()
    if trust is not None:
        from lrp_audit.commands.keys import require_extra

        require_extra()
        from lrp_audit.commands.signatures import read_roots

        roots = read_roots(trust)
    asked = _Asked(roots, root, document, manifest)
    found = {path.as_posix(): _verified(path, asked) for path in paths}
    _show(found, as_json=as_json)
    if any(item.holds is False for every in found.values() for item in every):
        raise typer.Exit(1)


def prove(
    folder: Annotated[Path, typer.Argument(help="A sealed batch.", metavar="DIR")],
    id_: Annotated[str, typer.Argument(help="The decision.", metavar="ID")],
    document: Annotated[
        str | None,
        typer.Option(help="notice, letter, audit or record. Default: its letter, else its record.", metavar="NAME"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the proof goes.", metavar="FILE")] = Path("proof.json"),
) -> None:
    """Write a proof that a document is part of a batch, which shows nothing of any other.

    Whoever has the document, the proof and the batch's root or manifest checks it with `lrp-audit verify`.
    """
    from lrp_audit.files import write_bytes
    from lrp_audit.records.record import canonical
    from lrp_audit.sealing import proof
    from lrp_audit.sealing.find import find
    from lrp_audit.terminal import printable

    place = find(folder, id_)
    letters = [name for name in place.documents if name in {"notice.pdf", "letter.pdf"}]
    made = proof.prove(folder, place, document or (letters or [proof.RECORD])[0])
    write_bytes(out, canonical(made))
    typer.echo(f"{printable(made.name)} is leaf {made.index} of the tree with the root {made.root}")
    typer.echo(f"Proof: {printable(out.as_posix())}")


@dataclass(frozen=True)
class _Asked:
    """The options of a verification."""

    roots: Roots
    root: str | None
    document: Path | None
    manifest: Path | None


def _verified(path: Path, asked: _Asked) -> tuple[Finding, ...]:
    if path.suffix == ".json" and not path.is_dir():
        if asked.document is None:
            raise DataError(f"{path} is checked as a proof: --document names the file that it was made for.")
        from lrp_audit.commands.batch_verification import verify_proof

        return tuple(verify_proof(path, asked.document, asked.root, asked.manifest, asked.roots))
    if asked.document is not None or asked.manifest is not None:
        raise DataError(f"--document belongs to a proof, a .json file, and {path} is none.")
    if path.is_dir():
        from lrp_audit.commands.batch_verification import verify_batch

        return tuple(verify_batch(path, asked.roots, asked.root))
    from lrp_audit.commands.keys import require_extra

    require_extra()
    from lrp_audit.commands import verification

    return verification.verify(path, asked.roots)


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
    (prove, "lrp-audit prove 2026/ A-00017 --out proof.json"),
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command, example in EXAMPLES:
        app.command(epilog=f"Example: {example}")(command)
