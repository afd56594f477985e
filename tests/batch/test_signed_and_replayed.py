"""Batches of other kinds, verified and judged again: signed ones, of texts, and with decisions that were purged."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import signing_keys as keys
from runs import AS_OF, batch, decisions, order

from lrp_audit.batch.finishing.relist import relist
from lrp_audit.report.batch_report import Replay
from lrp_audit.sealing import layout
from lrp_audit.sealing.find import find
from lrp_audit.sealing.log import set_hold
from lrp_audit.sealing.purge import purge

Command = Callable[..., Any]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("opened")]
NOW = dt.datetime(2029, 1, 1, tzinfo=dt.UTC)


def replayed(folder: Path) -> Replay:
    return Replay.model_validate_json((folder / layout.REPLAY).read_bytes())


def explained(folder: Path) -> int:
    return int(decisions(folder)["explained"].notna().sum())


@pytest.mark.rule("BA-02")
def test_a_signed_batch_has_signed_letters_and_a_signed_manifest(
    command: Command, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRP_AUDIT_SIGNING_PASSPHRASE", keys.PASSPHRASE)
    keys.write_pkcs12(samples / "lender.p12")
    root, out = keys.write_root(tmp_path / "root.pem"), tmp_path / "batch"
    config = samples / "signed.toml"
    config.write_text((samples / "audit.toml").read_text() + '\n[signing]\npkcs12 = "lender.p12"\n')
    wanted = ("--limit", 2, "--documents", "letters", "--as-of", AS_OF, "--workers", 1, "--sign")
    made = command("batch", samples / "synthetic_applications.csv", "--config", config, "--out", out, *wanted)
    assert made.code == 0, made.err
    assert (out / layout.SIGNATURE).exists()
    letters = sorted(out.rglob("notice.pdf"))
    assert letters
    assert all(b"/ByteRange" in path.read_bytes() for path in letters)
    verified = command("verify", out, "--trust", root)
    assert verified.code == 0, verified
    assert "is not signed" not in verified.out
    manifest = json.loads((out / layout.MANIFEST).read_text())
    (out / layout.MANIFEST).write_text(json.dumps(manifest | {"root": "0" * 64}))
    assert command("verify", out, "--trust", root).code == 1


@pytest.mark.rule("BA-06")
def test_decisions_on_texts_are_judged_to_the_same_bits(command: Command, samples: Path, tmp_path: Path) -> None:
    texts, out = samples / "text", tmp_path / "out"
    source, config = texts / "synthetic_narratives.csv", texts / "audit.toml"
    made = command("batch", source, "--config", config, "--limit", 12, "--as-of", AS_OF, "--workers", 1, "--out", out)
    assert made.code == 0, made.err
    result = command("verify", out, "--replay", "all", "--config", config, "--data", source)
    assert result.code == 0, result
    assert replayed(out) == Replay(recomputed=explained(out), matching=explained(out))
    assert explained(out) > 3


@pytest.mark.rule("BA-06")
def test_what_a_purge_left_is_judged_to_the_same_bits(command: Command, samples: Path, tmp_path: Path) -> None:
    asked = order(samples, tmp_path / "batch", limit=6)
    batch(asked)
    held = find(asked.out, "A-00002").row
    set_hold(asked.out, [held], held=True, by="M. Okafor", role="Counsel", why="Suit", now=NOW)
    assert purge(asked.out, NOW.date(), by="M. Okafor", now=NOW, relist=relist) == 5
    for data in ((), ("--data", asked.data)):
        result = command("verify", asked.out, "--replay", "all", "--config", asked.config, *data)
        assert result.code == 0, result
        assert replayed(asked.out) == Replay(recomputed=1, matching=1)
