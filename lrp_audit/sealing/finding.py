"""What a verification found, one sentence at a time. Nothing here says that a document meets a law."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One sentence. `holds` is None where it states something that is neither proven nor disproven."""

    holds: bool | None
    sentence: str
