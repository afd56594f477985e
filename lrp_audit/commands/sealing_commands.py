"""Commands for sealed batches and for documents that leave them: verify, prove, hold, purge. None needs the model."""

from __future__ import annotations

import datetime as dt
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
    replay: Annotated[
        str | None,
        typer.Option(help="Judge N decisions of a batch again, or all, and compare their records.", metavar="N|all"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of which decisions --replay draws.", min=0)] = 0,
    config: Annotated[
        Path | None,
        typer.Option(help="The settings, for --replay; default: audit.toml, else the batch's own.", metavar="FILE"),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="The model, for --replay; default: the one in the settings.", metavar="FILE")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="The reference data, for --replay; default: those in the settings.", metavar="FILE"),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="The source, for --replay; default: the inputs in the records.", metavar="SOURCE"),
    ] = None,
    trust_model: Annotated[
        bool, typer.Option("--trust-model", help="Open model files that can run code. Only for files of your own.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check that documents and batches are what they were. Exits with 1 if anything does not hold.

    Of a PDF: signature, time stamp, record and event log. Of a batch: every file and digest, the tree and its root,
    the signature, and that all decisions are there with their documents. Of a proof: that --document is part of the
    batch with this root. Works offline. --replay judges decisions again as well; the result stays in replay.json.
    """
    roots: Roots = ()
    if trust is not None:
        from lrp_audit.commands.keys import require_extra

        require_extra()
        from lrp_audit.commands.signatures import read_roots

        roots = read_roots(trust)
    asked = _Asked(roots, root, document, manifest)
    found = {path.as_posix(): _verified(path, asked) for path in paths}
    if replay is not None:
        from lrp_audit.commands.replaying import Again, replayed

        again = Again(replay, seed, config, model, reference, data, trust_model)
        found = {name: (*every, *replayed(Path(name), again)) for name, every in found.items()}
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


def hold(
    folder: Annotated[Path, typer.Argument(help="A sealed batch.", metavar="DIR")],
    ids: Annotated[list[str], typer.Argument(help="The decisions.", metavar="ID...")],
    by: Annotated[str, typer.Option(help="Who says so.", metavar="NAME")],
    role: Annotated[str, typer.Option(help="As what.", metavar="ROLE")],
    grounds: Annotated[str, typer.Option(help="Why.", metavar="TEXT")],
    lift: Annotated[bool, typer.Option("--lift", help="Lift a hold, also one that the data recorded.")] = False,
) -> None:
    """Log that decisions of a batch may not be deleted, whatever is due; or with --lift that they may be again."""
    from lrp_audit.batch.lock import locked
    from lrp_audit.sealing.find import find
    from lrp_audit.sealing.log import set_hold

    rows = [find(folder, id_).row for id_ in ids]
    with locked(folder):
        set_hold(folder, rows, held=not lift, by=by, role=role, why=grounds, now=dt.datetime.now(dt.UTC))
    typer.echo(f"{'Lifted' if lift else 'Set'} a legal hold on {len(rows)} decision{'' if len(rows) == 1 else 's'}.")


def purge(
    folder: Annotated[Path, typer.Argument(help="A sealed batch.", metavar="DIR")],
    as_of: Annotated[
        dt.datetime,
        typer.Option("--as-of", help="What was to be kept until before it goes.", formats=["%Y-%m-%d"], metavar="DATE"),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and delete nothing.")] = False,
    by: Annotated[str, typer.Option(help="Who deletes, for the log.", metavar="NAME")] = "lrp-audit",
    sign: Annotated[bool, typer.Option("--sign", help="Sign the next manifest with the key of [signing].")] = False,
    config: Annotated[Path, typer.Option("--config", help="The settings, for --sign.", metavar="FILE")] = Path(
        "audit.toml"
    ),
) -> None:
    """Delete what a batch holds of decisions whose time is over, and prove what was deleted.

    Documents, records, names and rows of tables go, with the salts of their leaves; the leaves stay, so that the root
    of the batch still proves what is left. Legal holds win. An interrupted purge is finished first.
    """
    from lrp_audit.sealing.purge import due

    found = due(folder, as_of.date())
    for basis, rows in sorted(found.rows.items()):
        _say(f"Due: {len(rows)} decisions, kept until {found.last[basis]} at the latest ({basis})")
    _say(f"Due and held: {found.held}; without a last day: {found.undated}")
    if dry_run:
        return
    from lrp_audit.batch.finishing.relist import relist
    from lrp_audit.batch.lock import locked
    from lrp_audit.commands.keys import signer_of
    from lrp_audit.sealing.purge import purge as delete
    from lrp_audit.sealing.purge import still_naming
    from lrp_audit.settings.config import load

    signer = signer_of(load(config), config.parent) if sign else None
    with locked(folder):
        gone = delete(folder, as_of.date(), by=by, now=dt.datetime.now(dt.UTC), relist=relist, signer=signer)
    _say(f"Deleted {gone} decisions; copies and backups are yours to delete.")
    if gone and (files := still_naming(folder)):
        _say(f"Sealed as they are, these files may still name some of them by id: {', '.join(files)}")


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


def _say(sentence: str) -> None:
    from lrp_audit.terminal import printable

    typer.echo(printable(sentence))


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
    (hold, 'lrp-audit hold 2026/ A-00017 --by "M. Okafor" --role Counsel --grounds "Suit 26-117"'),
    (purge, "lrp-audit purge 2026/ --as-of 2029-01-01 --dry-run"),
    (prove, "lrp-audit prove 2026/ A-00017 --out proof.json"),
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command, example in EXAMPLES:
        app.command(epilog=f"Example: {example}")(command)
