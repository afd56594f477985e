"""Tables of decisions: read whole, or streamed in two passes where memory must not grow with rows.

What counts as missing in a CSV is decided in `cells` and nowhere else.
"""

from lrp_audit.tables.cells import MISSING_WORDS
from lrp_audit.tables.csv_files import SEPARATORS
from lrp_audit.tables.streams import Stream, open_stream
from lrp_audit.tables.whole import read_table

__all__ = ["MISSING_WORDS", "SEPARATORS", "Stream", "open_stream", "read_table"]
