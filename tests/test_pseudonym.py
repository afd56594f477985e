"""Keyed pseudonyms."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.errors import ConfigError
from lrp_audit.privacy.pseudonym import load_key, pseudonym


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "audit.key"
    key = load_key(path)
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(tmp_path / "other.key") != key


@pytest.mark.parametrize("content", ["", "not hexadecimal", "ab" * 31])
def test_a_damaged_key_is_refused_rather_than_replaced(tmp_path, content):
    path = tmp_path / "audit.key"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"audit\.key"):
        load_key(path)
    assert path.read_text() == content


def test_a_key_in_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="key_file"):
        load_key(tmp_path / "nowhere" / "audit.key")


@given(st.text(), st.text())
def test_pseudonyms_differ_by_text_purpose_and_key_and_show_nothing(first, second):
    key, other = bytes(32), bytes([1] * 32)
    one = pseudonym(key, "applicant", first)
    assert (one == pseudonym(key, "applicant", second)) == (first == second)
    assert one != pseudonym(key, "file", first)
    assert one != pseudonym(other, "applicant", first)
    assert set(one) <= set("0123456789abcdef")
