"""The shared libraries that documents are laid out and compressed with: a document's bytes depend on them."""

from __future__ import annotations

import ctypes
import zlib

SUBSET = "harfbuzz subset"


def system_libraries() -> dict[str, str | None]:
    """Versions of what WeasyPrint loads by name: `present` where a library tells none, None where it is missing."""
    return {
        "pango": _version("libpango-1.0.so.0", "pango_version_string"),
        "pangoft2": _version("libpangoft2-1.0.so.0"),
        "harfbuzz": _version("libharfbuzz.so.0", "hb_version_string"),
        SUBSET: _version("libharfbuzz-subset.so.0"),
    }


def recorded_libraries() -> dict[str, str]:
    """What a record says of the libraries that its documents depend on."""
    found = {name: version or "not installed" for name, version in system_libraries().items() if name != "pangoft2"}
    return {**found, "zlib": zlib.ZLIB_RUNTIME_VERSION}


def slow_fonts() -> str | None:
    """A sentence where fonts are cut to size by the slow way, which makes a letter take several times as long."""
    if system_libraries()[SUBSET] is not None:
        return None
    return "libharfbuzz-subset0 is missing, so documents take several times as long: see `lrp-audit doctor`."


def _version(library: str, function: str | None = None) -> str | None:
    try:
        loaded = ctypes.CDLL(library)
    except OSError:
        return None
    if function is None:
        return "present"
    ask = getattr(loaded, function)
    ask.restype = ctypes.c_char_p
    return str(ask().decode())
