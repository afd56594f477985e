"""The page of a batch's folder, from the schemas that write it."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from lrp_audit.deciding.decision_row import DECISIONS, DECISIONS_VERSION, DOCUMENTS
from lrp_audit.report.readme import FILES
from lrp_audit.sealing import layout
from lrp_audit.sealing.leaves import SCHEMA

HEAD = f"""# Folder of a batch

Format version {layout.VERSION}: what `lrp-audit batch` writes. Nothing in it needs the program to be read. A file or
column that changes its meaning, or goes, is another version; new ones may come.

```
DIR/
  index.html  index/           batch-audit.pdf  groups.pdf    worklist.csv  decisions.csv  README.txt
  decisions.parquet            relevance.parquet              aggregate/*.parquet
  documents/3f/3f09c2…/        letters, audits and records of one decision: the name is a keyed hash of its id
  records/00000.parquet …      addressees/00000.parquet …     leaves/00000.parquet …     one file for each chunk
  plan.json  audit.toml        manifest.json  manifest.json.p7s  SHA256SUMS
  events.jsonl  manifests/     holds, purges, and the manifests that they replaced
  run.log  replay.json         not sealed: they have a clock, or come later
```

JSON Schemas: [plan.json](plan.schema.json), [manifest.json](manifest.schema.json), a line of
[events.jsonl](event.schema.json), a [record](record.schema.json).

| Name | What it is |
|---|---|
"""
CSV = """
## decisions.csv and worklist.csv

UTF-8 with a byte order mark, comma, every text in double quotes, dates as `YYYY-MM-DD`. A text that begins with `=`,
`+`, `-`, `@` (or their wide forms), a tab or a line break has an apostrophe before it, since a spreadsheet could take
it for a formula. `decisions.csv` is in the order of the source, `worklist.csv` by due date, those without one last. A
decision asks for work if its letter is refused for another reason than a favourable outcome, if there are flags, or if
it failed.

| Column | Meaning |
|---|---|
| `row`, `id`, `outcome`, `state`, `next_step`, `notice_due`, `flags`, `failure` | as in `decisions.parquet` |
| `reasons` | what the letter states, separated by ` · `; empty where it is refused |
| `letter`, `audit` | where the document lies in this folder; empty where none was written |

## index.html

Opens from the disk: `index/00000.js` and so on hold 10 000 decisions each, which the page loads one by one and does not
keep. Its content security policy allows those files and its own script. What is searched for stands behind the `#` of
the address: `index.html#state=UNFAITHFUL_EXPLANATION&sort=due`.
"""
OTHERS = """
## relevance.parquet

One row for each decision, in the order of `decisions.parquet`: `row`, `id`, then a float64 column for each input of the
model, `+` toward the adverse outcome, null where the decision was not explained. A text has one column, the sum over
its words; the words are in its record. An input that is itself called `row` or `id` is called `input row` or
`input id`.

## records/ and addressees/

`row`, `id` and `record`: the canonical JSON (RFC 8785) that the digest `record_sha256` is of, as
[Record](record.md) has it. `addressee` has name and address, apart, so that it can be deleted alone.

## aggregate/

One table for each chapter of the report on what decisions rest on; statistics of groups are only in `groups.pdf`.

What is purged leaves the tables, the lists and the page. `batch-audit.pdf`, `aggregate/standing.parquet` and
`aggregate/strategies.parquet` name decisions by their ids (late ones, failed ones, typical ones) and stay as they were
sealed.
"""
LEAVES = {
    "kind": "record or document",
    "row": "of the source, from 0",
    "name": "records/ROW, or the path of the document; null once purged",
    "sha256": "of the content; null once purged",
    "salt": "without it the leaf says nothing; null once purged",
    "leaf": "SHA-256(0x00, salt, kind, 0x00, name, 0x00, digest)",
}
READING = """
## Reading it

```python
import pandas as pd

decisions = pd.read_parquet("DIR/decisions.parquet")
```

```sql
-- DuckDB
SELECT state, count(*) FROM 'DIR/decisions.parquet' GROUP BY state ORDER BY 2 DESC;
SELECT r.text, count(*) FROM (SELECT unnest(reasons) AS r FROM 'DIR/decisions.parquet') GROUP BY 1 ORDER BY 2 DESC;
```
"""


def page() -> str:
    """The page as Markdown."""
    names = "".join(f"| `{name}` | {words} |\n" for name, words in FILES.items())
    decisions = ((field, (field.metadata or {})[b"description"].decode()) for field in [*DECISIONS, DOCUMENTS])
    leaves = ((field, LEAVES[field.name]) for field in SCHEMA)
    return "".join((
        HEAD, names, CSV,
        f"\n## decisions.parquet\n\nVersion {DECISIONS_VERSION} of its schema. Only `row`, `id` and `applicant` are ",
        "never null.\n", _table(decisions), OTHERS,
        "\n## leaves/\n\nWhat binds a record or document to the root of the manifest.\n", _table(leaves), READING,
    ))  # fmt: skip


def _table(columns: Iterable[tuple[pa.Field, str]]) -> str:
    rows = (f"| `{field.name}` | `{_escaped(field.type)}` | {words} |\n" for field, words in columns)
    return "\n| Column | Type | Meaning |\n|---|---|---|\n" + "".join(rows)


def _escaped(kind: pa.DataType) -> str:
    return str(kind).replace("|", "\\|")
