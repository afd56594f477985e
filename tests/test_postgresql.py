"""Decisions read from a real PostgreSQL server, which the test starts for itself and stops again."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from lrp_audit.errors import DataError
from lrp_audit.tables import open_stream, queries

pytestmark = pytest.mark.slow

NOBODY = 65534  # PostgreSQL refuses to run as root


def program(name: str) -> str | None:
    return next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), shutil.which(name))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that listens on a socket in a folder of its own."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed")
    folder = tempfile.mkdtemp(prefix="pg")
    user = NOBODY if os.getuid() == 0 else os.getuid()
    os.chown(folder, user, -1)

    def call(*arguments: str) -> None:
        subprocess.run(arguments, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    call(initdb, "-D", f"{folder}/data", "-U", "auditor", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    call(pg_ctl, "-D", f"{folder}/data", "-l", f"{folder}/log", "-o", options, "-w", "start")
    yield f"postgresql+psycopg://auditor@/postgres?host={folder}"
    call(pg_ctl, "-D", f"{folder}/data", "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder)


def together(folder: Path) -> pd.DataFrame:
    return pd.concat(list(open_stream(folder).frames(1000)), ignore_index=True)


def test_types_of_the_database_become_those_of_a_table(server: str, tmp_path: Path) -> None:
    query = """
        select '007' as id, 12.5::numeric as income, 3::smallint as children, true as owner,
               date '2026-11-02' as decided, timestamp '2026-11-02 10:00' as stamp, 'Zoë'::varchar as name,
               '{"a": 1}'::jsonb ->> 'a' as digit, null::int as nothing
        union all select '8', null, 4, false, null, null, null, '2', null order by 1
    """
    queries.save(server, query, tmp_path)
    frame = together(tmp_path)
    assert frame["id"].tolist() == ["007", "8"]
    assert frame["income"].tolist()[0] == 12.5
    assert frame["children"].tolist() == [3, 4]
    assert frame["owner"].tolist() == [True, False]
    assert frame["decided"][0] == "2026-11-02"
    assert frame["stamp"][0] == "2026-11-02 10:00:00"
    assert frame["name"][0] == "Zoë"
    assert frame["digit"].tolist() == ["1", "2"]
    assert frame.loc[1, ["income", "decided", "name"]].isna().all()


def test_a_large_answer_comes_in_pieces_and_whole(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "ROWS", 700)
    queries.save(server, "select i as id, i * 0.5 as half from generate_series(1, 5000) i order by i", tmp_path)
    assert len(list(tmp_path.iterdir())) == 8
    frame = together(tmp_path)
    assert frame["id"].tolist() == list(range(1, 5001))
    assert (frame["half"] == frame["id"] / 2).all()


def test_what_the_server_refuses_is_said_in_one_sentence(server: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match='relation "loans" does not exist') as caught:
        queries.save(server, "select * from loans", tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="failed"):
        queries.save(server.replace("host=", "host=/nowhere"), "select 1", tmp_path)
