"""How fast a batch is hashed, its tree built, and one letter of it proven.

    python benchmarks/sealing.py             # about a minute
    python benchmarks/sealing.py --quick

`hash` reads files that the system keeps in memory, so that it measures hashing and not the disk. Its clock is the one
on the wall, since several threads hash; elsewhere it is the process's own time on the processor.
"""

import argparse
import hashlib
import os
import ssl
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import kept  # the script beside this one

from lrp_audit.sealing import merkle
from lrp_audit.sealing.hashing import digests
from lrp_audit.sealing.leaves import altered, leaves_of_chunk, record_content

LEAVES = 1_000_000
BIG, SMALL = (8, 32 << 20), (8192, 32 << 10)  # files and bytes of each: tables, and letters


def seconds(work: Callable[[], object], rounds: int, clock: Callable[[], float] = time.process_time) -> float:
    """The median time of some rounds."""
    found = []
    for _ in range(rounds):
        began = clock()
        work()
        found.append(clock() - began)
    return statistics.median(found)


def rate(folder: Path, files: int, size: int, rounds: int) -> float:
    """Megabytes a second of hashing so many files."""
    content = os.urandom(size)
    names = [f"{size}-{number}" for number in range(files)]
    for name in names:
        (folder / name).write_bytes(content)
    took = seconds(lambda: list(digests(folder, names)), rounds, time.perf_counter)
    return files * size / took / 1e6


def measured(rounds: int, leaves: int) -> dict[tuple[str, str], float]:
    """What is done, and the unit of its figure."""
    with tempfile.TemporaryDirectory() as folder:
        found = {
            ("hash tables", "MB/s"): rate(Path(folder), *BIG, rounds),
            ("hash letters", "MB/s"): rate(Path(folder), *SMALL, rounds),
        }
    contents = [record_content(row, hashlib.sha256(b"%d" % row).hexdigest()) for row in range(leaves)]
    table = leaves_of_chunk(contents, b"secret")
    hashes = table.column("leaf").to_pylist()
    return {
        **found,
        ("make the leaves", "s"): seconds(lambda: leaves_of_chunk(contents, b"secret"), 1),
        ("check the leaves", "s"): seconds(lambda: altered(table), 1),
        ("build the tree", "s"): seconds(lambda: merkle.root(hashes), rounds),
        ("prove one leaf", "s"): seconds(lambda: merkle.inclusion(hashes, leaves // 3), rounds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round")
    quick = parser.parse_args().quick
    rounds = 1 if quick else 5
    found = measured(rounds, LEAVES)
    for (name, unit), value in found.items():
        print(f"{name:24}{value:10.2f} {unit}")
    facts = kept.environment("pyarrow", leaves=LEAVES, rounds=rounds, cores=os.cpu_count(), openssl=ssl.OPENSSL_VERSION)
    rows = [{"what": name, "value": value, "unit": unit} for (name, unit), value in found.items()]
    kept.keep("sealing", facts, {"rows": rows}, quick=quick)


if __name__ == "__main__":
    main()
