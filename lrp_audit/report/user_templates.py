"""A user's own templates: read once into memory, and run where they reach nothing but what they are given.

Jinja's sandbox hides what Python objects can do; here nothing may be called but macros and the sentences of the
catalogues, escaping cannot be switched off, and there is no file to include but those of the folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from lrp_audit.errors import ReportError
from lrp_audit.language.messages import Messages
from lrp_audit.settings.config import AuditConfig

MOST_FILES, FILE_BYTES = 200, 500_000
_KINDS = (".html", ".css")
_CALLED = (Macro, BlockReference, LoopContext, Messages)  # these, and their methods
_TEMPLATE_ERRORS = (
    TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
_REACHING_SLOT = re.compile(r"\{[^{}]*[.\[!]")  # of str.format, which would read attributes of a value


@dataclass(frozen=True)
class UserTemplates:
    """The templates and sheets of a folder, by name.

    Attributes:
        sha256: digest of all names and contents; a record's versions hold it.
    """

    folder: Path
    sha256: str
    files: Mapping[str, str] = field(repr=False, compare=False)

    def has(self, document: str) -> bool:
        """Whether the folder holds this type of document; another's are the package's own."""
        return f"{document}/document.html" in self.files

    def sheet(self, name: str) -> str:
        """A style sheet. Raises ReportError where the folder lacks it."""
        if name not in self.files:
            raise ReportError(f"documents.templates: {self.folder} lacks {name}; `lrp-audit template copy` makes it.")
        return self.files[name]

    def render(self, document: str, context: Mapping[str, object]) -> str:
        """The page of a document.

        Raises:
            ReportError: the template is wrong, lacks a value, or reaches for what it may not; names file and line.
        """
        try:
            return self._environment.get_template(f"{document}/document.html").render(**context)
        except ReportError:
            raise
        except TemplateNotFound as error:
            raise self._error(f"asks for '{error.name}', which the folder lacks", error) from None
        except TemplateSyntaxError as error:
            raise ReportError(f"The template {error.name}, line {error.lineno}: {error.message}.") from None
        except _TEMPLATE_ERRORS as error:
            raise self._error(str(error).rstrip("."), error) from None

    def _error(self, problem: str, error: Exception) -> ReportError:
        name, line = _place(error.__traceback__, self.files)
        return ReportError(f"The template {name}, line {line}: {problem}.")

    @cached_property
    def _environment(self) -> ImmutableSandboxedEnvironment:
        return _Sandbox(
            loader=FunctionLoader(lambda name: (self.files[name], name, None) if name in self.files else None),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )


def user_templates(config: AuditConfig) -> UserTemplates | None:
    """The templates that `[documents] templates` names, read once per process; None where there are none."""
    name = config.documents.templates
    return None if name is None else read_folder((config.folder / name).resolve())


@lru_cache(maxsize=8)
def read_folder(folder: Path) -> UserTemplates:
    """All templates and sheets below a folder.

    Raises:
        ReportError: it is no folder, holds no template, leads out of itself, or is too large.
    """
    if not folder.is_dir():
        raise ReportError(f"documents.templates: there is no folder '{folder}'; `lrp-audit template copy` makes one.")
    found = sorted(path for path in folder.rglob("*") if path.suffix in _KINDS)
    if not found or len(found) > MOST_FILES:
        raise ReportError(f"documents.templates: {folder} holds {len(found)} templates; 1 to {MOST_FILES} are read.")
    files = {path.relative_to(folder).as_posix(): _read(path, folder) for path in found}
    hasher = hashlib.sha256()
    for name, text in files.items():
        hasher.update(f"{name}\0{hashlib.sha256(text.encode()).hexdigest()}\n".encode())
    return UserTemplates(folder, hasher.hexdigest(), files)


def _read(path: Path, folder: Path) -> str:
    name = path.relative_to(folder)
    if not path.resolve().is_relative_to(folder) or not path.is_file():
        raise ReportError(f"documents.templates: {name} leads out of {folder}; put a copy there.")
    if path.stat().st_size > FILE_BYTES:
        raise ReportError(f"documents.templates: {name} has more than {FILE_BYTES:,} bytes.")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ReportError(f"documents.templates: {name} is not UTF-8; save it as UTF-8.") from None


def _place(traceback: TracebackType | None, files: Mapping[str, str]) -> tuple[str, int]:
    """File and line of the innermost template."""
    place = ("document.html", 1)
    while traceback is not None:
        if (name := traceback.tb_frame.f_code.co_filename) in files:
            place = (name, traceback.tb_lineno)
        traceback = traceback.tb_next
    return place


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, where in addition methods cannot be called and escaping cannot be switched off."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.globals = {name: self.globals[name] for name in ("range", "namespace")}
        del self.filters["safe"]

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        return super().is_safe_attribute(obj, attr, value) and (not callable(value) or isinstance(obj, _CALLED))

    def is_safe_callable(self, obj: object) -> bool:
        owner = getattr(obj, "__self__", obj)
        return isinstance(owner, _CALLED) or obj is Namespace or obj is self.globals["range"]

    def call(self, context: Any, obj: Any, *arguments: Any, **values: Any) -> Any:
        said = isinstance(getattr(obj, "__self__", obj), Messages)
        if said and any(_REACHING_SLOT.search(text) for text in arguments if isinstance(text, str)):
            raise SecurityError("a slot of a sentence holds a name and nothing else")
        return super().call(context, obj, *arguments, **values)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all((nodes.ScopedEvalContextModifier, nodes.EvalContextModifier)):
            raise TemplateSyntaxError("escaping cannot be switched off", node.lineno, name, filename)
        return tree
