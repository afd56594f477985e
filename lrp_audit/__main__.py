"""`python -m lrp_audit` is `lrp-audit`."""

from lrp_audit.cli import main

main()
