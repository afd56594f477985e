"""Where everything lies in the folder of a batch, format version 1. Every name is here and nowhere else.

plan.json  audit.toml                    what the run is, and its settings
records/  addressees/  leaves/           one Parquet file per chunk
documents/3f/3f09c2…/                    the folder of one decision
decisions.parquet  relevance.parquet     one row per decision
batch-audit.pdf  groups.pdf  aggregate/  index.html  index/  decisions.csv  worklist.csv  README.txt
manifest.json  manifest.json.p7s  SHA256SUMS
events.jsonl  manifests/                 what happened after sealing: holds, purges, earlier manifests
run.log  replay.json                     not sealed
.lock  .salt  .source/  chunks/  parts/  only while a run works
"""

from __future__ import annotations

from pathlib import Path

VERSION = "1"

PLAN = "plan.json"
SETTINGS = "audit.toml"
DECISIONS = "decisions.parquet"
RELEVANCE = "relevance.parquet"
REPORT = "batch-audit.pdf"
GROUPS = "groups.pdf"
INDEX = "index.html"
TABLE = "decisions.csv"
WORKLIST = "worklist.csv"
README = "README.txt"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.p7s"
SUMS = "SHA256SUMS"
EVENTS = "events.jsonl"
LOG = "run.log"
REPLAY = "replay.json"
LOCK = ".lock"
SECRET = ".salt"

RECORDS = "records"
ADDRESSEES = "addressees"
LEAVES = "leaves"
DOCUMENTS = "documents"
AGGREGATE = "aggregate"
INDEX_ROWS = "index"  # scripts with the rows that index.html shows
EDITIONS = "manifests"
SOURCE = ".source"
CHUNKS = "chunks"
PARTS = "parts"

ROW_GROUP = 16_384  # rows of decisions.parquet and relevance.parquet; four times as many take 300 MB more
SHARD_DIGITS = 2  # of a decision's folder name: 256 folders hold a million
WORKING = (SECRET, SOURCE, CHUNKS, PARTS)  # gone once a batch is sealed
UNSEALED = (MANIFEST, SIGNATURE, SUMS, EVENTS, LOG, REPLAY, LOCK)  # no entry of the manifest speaks of these

NAMING = (REPORT, f"{AGGREGATE}/standing.parquet", f"{AGGREGATE}/strategies.parquet")
"""Sealed files that name some decisions by their ids, and stay as they are when those are purged."""


def chunk_name(room: str, chunk: int) -> str:
    """The Parquet file of a chunk in `records`, `addressees`, `leaves` or `.source`."""
    return f"{room}/{chunk:05d}.parquet"


def chunk_file(folder: Path, room: str, chunk: int) -> Path:
    """Where that file lies."""
    return folder / chunk_name(room, chunk)


def part_name(table: str, chunk: int) -> str:
    """The part of `decisions.parquet` or `relevance.parquet` that a chunk wrote, until all are merged."""
    return f"{PARTS}/{table.partition('.')[0]}-{chunk:05d}.parquet"


def marker(folder: Path, chunk: int) -> Path:
    """What says that a chunk is finished."""
    return folder / CHUNKS / f"{chunk:05d}.json"


def shard(folder: Path, name: str) -> Path:
    """What holds the folder of a decision, whose keyed name is `name`."""
    return folder / DOCUMENTS / name[:SHARD_DIGITS]


def document_name(name: str, file: str) -> str:
    """The name in the batch of a file in the folder of a decision, as its leaf has it."""
    return f"{DOCUMENTS}/{name[:SHARD_DIGITS]}/{name}/{file}"
