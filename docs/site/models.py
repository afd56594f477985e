"""Pages of audit.toml and of the record, from the pydantic models and the comments beside their fields."""

from __future__ import annotations

import inspect
import io
import json
import re
import tokenize
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from lrp_audit.records.record import Record
from lrp_audit.settings.config import AuditConfig

SETTINGS = """# audit.toml

Written from the models that check it. Only `[model] file`, `[decision] adverse` and `[decision] cutoff` have no default
that fits everybody; whatever else a document needs, its refusal names. Paths are relative to audit.toml. Unknown keys
are errors, with a suggestion and the line. `lrp-audit init MODEL DATA` writes a first file.
"""

RECORD = """# The record

Everything that a document states stands in one value, the record. As canonical JSON (RFC 8785, floats rounded to 12
significant digits) it is `record.json` in a decision's folder and the attachment of its audit; its SHA-256 identifies
it. It holds no name, no address and no clock. `+` relevance is toward the adverse outcome. The same as a
[JSON Schema](record.schema.json). Written from the models that make it.
"""


def settings_page() -> str:
    """audit.toml, a heading for each table."""
    sections = [(f"[{path}]", model) for path, model in _tables(AuditConfig, "")]
    return SETTINGS + "".join(_section(title, model, inner=False) for title, model in sections)


def record_page() -> str:
    """The record, a heading for each kind of value in it."""
    return RECORD + "".join(_section(model.__name__, model, inner=True) for model in _reached(Record))


def schema(model: type[BaseModel]) -> str:
    """The JSON Schema of what a model is written as."""
    found = model.model_json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **found}, indent=2) + "\n"


def _section(title: str, model: type[BaseModel], *, inner: bool) -> str:
    comments = _comments(model)
    rows = [
        f"| `{name}` | {_type(field.annotation, inner)} | {_default(field)} | {_cell(comments.get(name, ''))} |"
        for name, field in model.model_fields.items()
        if inner or not list(_models(field.annotation))
    ]
    if not rows:
        return ""
    lines = ["", f"## {title}", "", inspect.getdoc(model) or "" if _documented(model) else "", ""]
    return "\n".join([*lines, "| Key | Holds | Default | |", "| --- | --- | --- | --- |", *rows, ""])


def _documented(model: type[BaseModel]) -> bool:
    """Whether the docstring is its own; pydantic's would be inherited."""
    return "__doc__" in vars(model) and bool(model.__doc__)


def _tables(model: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table below `model`, as `audit.toml` writes it: `columns.NAME`, `signing.pkcs11`."""
    for name, field in model.model_fields.items():
        for inner, container in _models(field.annotation):
            place = f"{path}.{name}" if path else name
            place += ".NAME" if container is dict else ""
            title = f"[{place}]" if container is tuple else place
            yield title, inner
            yield from _tables(inner, place)


def _reached(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and all that its fields hold, each once, in the order of the fields."""
    found = [model]
    for item in found:  # grows while it is gone through
        for field in item.model_fields.values():
            found += [inner for inner, _ in _models(field.annotation) if inner not in found]
    return found


def _models(annotation: Any, container: type | None = None) -> Iterator[tuple[type[BaseModel], type | None]]:
    """Models inside an annotation, each with the dict or tuple that holds them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, container
    origin = get_origin(annotation)
    for argument in get_args(annotation):
        yield from _models(argument, origin if origin in {dict, tuple} else container)


def _type(annotation: Any, inner: bool) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0], inner)
    if origin is Literal:
        return ", ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(_type(item, inner) for item in arguments if item is not type(None))
    if origin is tuple:
        several = f"{_type(arguments[0], inner)}, any number"
        return several if arguments[-1] is Ellipsis else ", ".join(_type(item, inner) for item in arguments)
    if origin is dict:
        return f"{_type(arguments[0], inner)} → {_type(arguments[1], inner)}"
    if inner and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    return names.get(annotation.__name__, annotation.__name__)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ((), {}) or isinstance(value, BaseModel):
        return ""
    return f"`{json.dumps(value)}`"


def _comments(model: type[BaseModel]) -> dict[str, str]:
    """Field -> the comment on its line, for the fields of the model and of those it inherits from."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found.update(_own_comments(base))
    return found


def _own_comments(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    source = inspect.getsource(model)
    starts = {number: match[1] for number, line in enumerate(source.splitlines(), 1) if (match := _FIELD.match(line))}
    name = None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        name = starts.get(token.start[0], name)
        if token.type == tokenize.COMMENT and name is not None:
            yield name, token.string.lstrip("# ")


_FIELD = re.compile(r"    (\w+): ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
