"""The program of a `.pt2` archive: every string in it that torch evaluates, resolves or writes into code.

Loading builds Python source from node and argument names, runs guards, evaluates sizes with sympy, resolves operator
names by attribute access, and rebuilds tree specifications. Each kind of string has its own grammar here; a string of
no known kind must be a plain name, and a key of no known kind is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch

from lrp_audit.adapters.pt2_expressions import is_expression, is_guard, is_identifier

MAX_TEXT = 2000

PATH = re.compile(r"|[A-Za-z0-9_]{1,200}(\.[A-Za-z0-9_]{1,200})*")
WORD = re.compile(r"[A-Za-z0-9_.,>+ \-]{0,200}")
MODULE_STACK = re.compile(r"[A-Za-z0-9_.,;:@'\[\]()<> \-]{0,20000}")
ATEN = re.compile(r"torch\.ops\.aten\.([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)")

FILE_OPERATORS = frozenset({"from_file"})  # maps a file of its argument's name into memory
ARITHMETIC = (
    *("add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "and_", "or_", "not_"),
    *("eq", "ne", "lt", "le", "gt", "ge", "getitem"),
)
SCALAR_OPERATORS = frozenset(
    {f"_operator.{name}" for name in ARITHMETIC}
    | {f"torch.sym_{name}" for name in ("int", "float", "max", "min", "not", "ite", "sqrt")}
    | {f"math.{name}" for name in ("ceil", "floor", "trunc")}
)
HIGHER_ORDER = frozenset({"torch.ops.higher_order.wrap_with_set_grad_enabled"})
CONTAINERS = frozenset({"builtins.tuple", "builtins.list", "builtins.dict"})
FORBIDDEN_KEYS = frozenset({"as_custom_obj", "as_operator", "custom_obj", "token"})


class UnsafeProgramError(Exception):
    """A string of the program could run code, or is of no foreseen kind; the message says which, as a clause."""


def checked_program(program: Any) -> Any:
    """The program with every string checked, and without metadata other than module paths.

    Raises:
        UnsafeProgramError: a string that could become code.
    """
    if not isinstance(program, dict):
        raise UnsafeProgramError("its program is not as torch.export.save writes it")
    return _checked(program, "")


def _checked(value: Any, key: str) -> Any:
    """A value below `key`, checked; strings by the grammar of their key, everything else recursively."""
    if isinstance(value, str):
        grammar = GRAMMARS.get(key, _is_path)
        if len(value) > MAX_TEXT and grammar is not _is_tree:
            raise UnsafeProgramError(f"a string under '{key}' in its program is too long")
        if not grammar(value):
            raise UnsafeProgramError(f"'{value[:80]}' under '{key}' in its program could become code")
        return value
    if isinstance(value, list):
        return [_checked(one, key) for one in value]
    if isinstance(value, dict):
        if key == "metadata":
            return _module_paths(value)
        return {name: _checked_entry(name, one) for name, one in value.items()}
    return value  # a number, a truth value or nothing


def _checked_entry(name: str, value: Any) -> Any:
    if name in FORBIDDEN_KEYS and value is not None:
        raise UnsafeProgramError(f"its program holds '{name}', an object that is not a tensor")
    if name in ("custom_obj_values", "treespec_namedtuple_fields") and value:
        raise UnsafeProgramError(f"its program holds types of its own under '{name}'")
    if not _is_path(name):
        raise UnsafeProgramError(f"the name '{name[:80]}' in its program could become code")
    return _checked(value, name)


def _module_paths(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Of a node's metadata only the module it came from; the rest is free text and functions by name."""
    stack = metadata.get("nn_module_stack")
    if not isinstance(stack, str) or not MODULE_STACK.fullmatch(stack):
        return {}
    return {"nn_module_stack": stack}


# --- grammars ---------------------------------------------------------------------------------------------------------


def _is_path(text: str) -> bool:
    """A dotted path to a parameter or module, none of it private to Python."""
    return bool(PATH.fullmatch(text)) and not any(part.startswith("__") for part in text.split("."))


def _is_word(text: str) -> bool:
    """A string argument of an operator, such as 'tanh' or 'ij,jk->ik'."""
    return bool(WORD.fullmatch(text))


def _is_target(text: str) -> bool:
    """An operator of torch's own on tensors, or plain arithmetic on sizes."""
    if text in SCALAR_OPERATORS or text in HIGHER_ORDER:
        return True
    match = ATEN.fullmatch(text)
    if match is None or match[1] in FILE_OPERATORS:
        return False
    packet = getattr(torch.ops.aten, match[1], None)
    overloads = packet.overloads() if isinstance(packet, torch._ops.OpOverloadPacket) else ()
    return match[2] in overloads


def _is_tree(text: str) -> bool:
    """A tree specification of tuples, lists and dicts; other types make torch import modules."""
    try:
        protocol, tree = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return False
    return protocol == 1 and _is_subtree(tree)


def _is_subtree(tree: Any) -> bool:
    if not isinstance(tree, dict) or set(tree) != {"type", "context", "children_spec"}:
        return False
    if not isinstance(tree["children_spec"], list) or not all(_is_subtree(one) for one in tree["children_spec"]):
        return False
    if tree["type"] is None:
        return tree["context"] is None
    if tree["type"] not in CONTAINERS or not isinstance(tree["context"], str):
        return False
    try:
        context = json.loads(tree["context"])
    except ValueError:
        return False
    keys = context if isinstance(context, list) and tree["type"] == "builtins.dict" else []
    return context in (None, keys) and all(isinstance(one, str) and is_identifier(one) for one in keys)


GRAMMARS: Mapping[str, Callable[[str], bool]] = {
    "name": is_identifier,
    "as_name": is_identifier,
    "forward_arg_names": is_identifier,
    "as_string": _is_word,
    "as_strings": _is_word,
    "torch_version": _is_word,
    "target": _is_target,
    "expr_str": is_expression,
    "guards_code": is_guard,
    "in_spec": _is_tree,
    "out_spec": _is_tree,
}
