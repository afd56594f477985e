"""One chunk, from rows to files: judge, render, book. The same chunk gives the same files, wherever it is worked on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lrp_audit import report
from lrp_audit.batch.collector import collected_once
from lrp_audit.batch.judgement import STOPPING, Judgement, judge, place_of
from lrp_audit.batch.short_stack import with_short_stack
from lrp_audit.batch.source import Piece
from lrp_audit.batch.tally import Tally
from lrp_audit.batch.work import Work
from lrp_audit.deciding.judged import DOCUMENTS
from lrp_audit.records.record import Addressee
from lrp_audit.sealing import layout
from lrp_audit.sealing.leaves import Content, leaves_of_chunk, record_content

Put = Callable[[str, bytes], None]  # a file's name in the batch, and its content
Files = dict[str, bytes]

AT_ONCE = 64  # records that become an array; a longer one takes up to three times its size while it is made


def work_chunk(work: Work, number: int, piece: Piece, put: Put, poisoned: Set[int] = frozenset()) -> Tally:
    """Judge the rows of a chunk, and put all of its files.

    Args:
        work: model, settings and plan.
        number: of the chunk.
        piece: its rows.
        put: takes every file once.
        poisoned: places of rows that are not to be touched, since they kill the process.
    """
    judgement = judge(work, piece, poisoned)
    folders = _folders(judgement, piece)
    failures, documents = dict(judgement.failures), list[list[dict[str, object]]]([] for _ in piece.rows)

    def render() -> None:
        for at in _wanted(work, piece, judgement):
            files = _rendered(work, judgement, at)
            if isinstance(files, str):
                failures[at] = files
                continue
            for name, content in sorted(files.items()):
                put(layout.document_name(folders[at], name), content)
                digest = hashlib.sha256(content).hexdigest()
                documents[at].append({"name": name, "sha256": digest, "bytes": len(content)})

    with_short_stack(render)
    decisions = _booked(judgement.decisions, folders, failures, documents)
    for room, table in _rooms(work, piece, judgement, decisions):
        put(layout.chunk_name(room, number), _parquet(table))
    texts = [field.name for field in decisions.schema if field.type == pa.string()]
    put(layout.part_name(layout.DECISIONS, number), _parquet(decisions, texts))
    put(layout.part_name(layout.RELEVANCE, number), _parquet(judgement.relevance))
    return _tally(work, decisions)


def try_rows(work: Work, piece: Piece, wanted: Set[int]) -> None:
    """Do with some rows of a chunk all that could kill the process, and keep nothing of it."""
    judgement = judge(work, piece, frozenset(range(len(piece.rows))) - wanted)
    for at in _wanted(work, piece, judgement):
        _rendered(work, judgement, at)


def _folders(judgement: Judgement, piece: Piece) -> list[str]:
    """The folder of every row's documents; one for itself where the id is that of an earlier row."""
    names = judgement.decisions.column("folder").to_pylist()
    return [
        f"{name}-{row}" if piece.first + at in piece.repeated else name
        for at, (name, row) in enumerate(zip(names, piece.rows, strict=True))
    ]


def _wanted(work: Work, piece: Piece, judgement: Judgement) -> Iterator[int]:
    """The places in the chunk of decisions that documents are to be written of."""
    adverse = pc.equal(judgement.decisions.column("outcome"), "adverse").to_pylist()
    states = judgement.decisions.column("state").to_pylist()
    for at in range(len(piece.rows)):
        if work.wants_documents(piece.first + at, adverse=bool(adverse[at]), refused=states[at] is not None):
            yield at


def _rendered(work: Work, judgement: Judgement, at: int) -> Files | str:
    """The files of a decision, if there is a document among them; or where rendering them failed."""
    try:
        filed = judgement.filed(at)
        with collected_once():
            files = {} if filed is None else work.output.fresh(filed, judgement.addressees[at])
    except STOPPING:
        raise
    except Exception as error:
        return place_of(error)
    return files if any(name.endswith(".pdf") for name in files) else {}


def _booked(
    decisions: pa.Table,
    folders: Sequence[str],
    failures: Mapping[int, str],
    documents: Sequence[Sequence[Mapping[str, object]]],
) -> pa.Table:
    """The decisions with what the run adds to them."""
    failed = [failures.get(at) for at in range(len(folders))]
    for name, values in (("folder", folders), ("failure", failed)):
        position = decisions.schema.get_field_index(name)
        decisions = decisions.set_column(position, decisions.schema.field(position), pa.array(values, pa.string()))
    return decisions.append_column(DOCUMENTS, pa.array(documents, DOCUMENTS.type))


def _rooms(work: Work, piece: Piece, judgement: Judgement, decisions: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Records, addressees and leaves."""
    ids = decisions.column("id").to_pylist()
    if work.plan.records:
        kept = [(row, name, text) for row, name, text in zip(piece.rows, ids, judgement.records, strict=True) if text]
        yield layout.RECORDS, _of_people("record", kept)
    if work.session.config.facts.name is not None or work.session.config.facts.address is not None:
        everyone = zip(piece.rows, ids, judgement.addressees, strict=True)
        known = [(row, name, who.model_dump_json().encode()) for row, name, who in everyone if who != Addressee()]
        yield layout.ADDRESSEES, _of_people("addressee", known)
    yield layout.LEAVES, leaves_of_chunk(_contents(decisions), work.secret)


def _of_people(what: str, found: Sequence[tuple[int, str, bytes]]) -> pa.Table:
    rows, ids, texts = zip(*found, strict=True) if found else ((), (), ())
    pieces = [pa.array(texts[at : at + AT_ONCE], pa.binary()).cast(pa.string()) for at in range(0, len(texts), AT_ONCE)]
    columns = [pa.array(rows, pa.int64()), pa.array(ids, pa.string()), pa.chunked_array(pieces, pa.string())]
    return pa.table(columns, names=["row", "id", what])


def _contents(decisions: pa.Table) -> Iterator[Content]:
    names = ("row", "folder", "record_sha256", "documents")
    for row, folder, record, documents in zip(*(decisions.column(name).to_pylist() for name in names), strict=True):
        if record is not None:
            yield record_content(row, record)
        for item in documents:
            yield Content("document", row, layout.document_name(folder, item["name"]), item["sha256"])


def _parquet(table: pa.Table, repeated: Sequence[str] = ()) -> bytes:
    """A table as the content of a file; a dictionary is made of columns in which values are `repeated`."""
    file = BytesIO()
    pq.write_table(table, file, compression="zstd", use_dictionary=list(repeated))
    return file.getvalue()


def _tally(work: Work, decisions: pa.Table) -> Tally:
    columns = (decisions.column(name).to_pylist() for name in ("state", "failure", "documents"))
    rows = list(zip(*columns, strict=True))
    names = Counter(item["name"] for _, _, documents in rows for item in documents)
    return Tally(
        rows=len(rows),
        adverse=pc.sum(pc.equal(decisions.column("outcome"), "adverse")).as_py() or 0,
        letters=names[f"{report.letter_file(work.session.config)}.pdf"],
        audits=names["audit.pdf"],
        failed=sum(failure is not None for _, failure, _ in rows),
        refused=Counter(state for state, failure, _ in rows if failure is None and state is not None),
    )
