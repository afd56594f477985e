"""The page of the command line, from the program itself."""

from __future__ import annotations

import re

import typer
from typer.cli import get_docs_for_click

from lrp_audit.cli import app

NAME = "lrp-audit"
HEAD = """# Command line

Written from the program. Exit codes of every command: 0 done; 1 the one named decision was refused, a check did not
hold, or `--strict` and any denial was refused; 2 wrong use, or something that cannot be read or written, with one
sentence on what and where; 130 interrupted.
"""


def page() -> str:
    """The page as Markdown: each command with usage, arguments, options and example."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command, info_name=NAME), name=NAME)
    commands = text[text.index("\n## ") :]  # what stands before only lists them
    return HEAD + re.sub(r"^Example: (.+)$", r"**Example**:\n\n```sh\n\1\n```", commands, flags=re.MULTILINE)
