"""Grammars for names, symbolic expressions and guards of an exported program, all of which torch turns into code."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Callable

MAX_EXPONENT = 8
MAX_POWERS = 4

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,199}|_[A-Za-z0-9][A-Za-z0-9_]{0,199}")
SYMBOL = re.compile(r"[a-z]{1,3}\d{1,9}")
NUMBER = re.compile(r"-?\d{1,30}(\.\d{0,30})?(e[+-]?\d{1,3})?")
CHARACTERS = re.compile(r"[A-Za-z0-9_\[\]()'.,<>=!+\-*/% ]*")  # no double quotes, comments or lines to break out by
POWERS = ("Pow", "PowByNatural", "FloatPow")
FUNCTIONS = frozenset(  # of sympy, and of torch.utils._sympy.functions
    {
        *("Symbol", "Integer", "Float", "Rational", "Add", "Mul", "Min", "Max", "Abs", "floor", "ceiling"),
        *("Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Not", "Piecewise", "ExprCondPair"),
        *("Equality", "Unequality", "LessThan", "StrictLessThan", "GreaterThan", "StrictGreaterThan"),
        *("Mod", "PythonMod", "FloorDiv", "CeilDiv", "CleanDiv", "IntTrueDiv", "FloatTrueDiv", "ModularIndexing"),
        *("ToFloat", "TruncToInt", "TruncToFloat", "FloorToInt", "CeilToInt", "RoundToInt", "Where", "Identity"),
        *POWERS,
    }
)


def is_identifier(text: str) -> bool:
    """A name of a value, which torch writes into the code it generates; or none."""
    return text == "" or (bool(IDENTIFIER.fullmatch(text)) and not keyword.iskeyword(text))


def is_expression(text: str) -> bool:
    """A symbolic size: numbers, symbols, arithmetic, and functions known by name."""
    return _parses(text, _allowed_in_expression)


def is_guard(text: str) -> bool:
    """A condition on sizes of inputs, such as `L['x'].size()[0] >= 2`."""
    return _parses(text, _allowed_in_guard)


def _parses(text: str, allowed: Callable[[ast.AST], bool]) -> bool:
    if not CHARACTERS.fullmatch(text):
        return False
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _small_powers(tree) and allowed(tree.body)


def _small_powers(tree: ast.AST) -> bool:
    """Few powers, with small exponents: evaluating others could take forever."""
    exponents: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            exponents.append(node.right)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in POWERS:
            exponents.append(node.args[-1] if len(node.args) == 2 else node)
    return len(exponents) <= MAX_POWERS and all(_is_small(one) for one in exponents)


def _is_small(node: ast.AST) -> bool:
    """A number of at most `MAX_EXPONENT`, plain or as sympy writes it, `Integer(2)`."""
    if isinstance(node, ast.UnaryOp):
        return _is_small(node.operand)
    if isinstance(node, ast.Call):
        integer = isinstance(node.func, ast.Name) and node.func.id == "Integer" and len(node.args) == 1
        return integer and _is_small(node.args[0])
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value <= MAX_EXPONENT


def _allowed_in_expression(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return bool(SYMBOL.fullmatch(node.id)) or node.id in ("oo", "int_oo", "true", "false")
    if isinstance(node, ast.Call):
        return _allowed_call(node)
    return _allowed_arithmetic(node, _allowed_in_expression)


def _allowed_call(node: ast.Call) -> bool:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        return False
    texts = {"Symbol": SYMBOL, "Float": NUMBER}.get(node.func.id)
    if texts is None:
        return not node.keywords and all(_allowed_in_expression(one) for one in node.args)
    assumptions = [one.value for one in node.keywords if one.arg is not None]
    plain = all(isinstance(one, ast.Constant) and type(one.value) in (bool, int) for one in assumptions)
    arguments = [one.value if isinstance(one, ast.Constant) else None for one in node.args]
    matching = all(isinstance(one, str) and bool(texts.fullmatch(one)) for one in arguments)
    return plain and matching and len(assumptions) == len(node.keywords)


def _allowed_in_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        method = node.func
        if node.keywords or not all(_allowed_in_guard(one) for one in node.args):
            return False
        if isinstance(method, ast.Attribute):
            return method.attr in ("size", "stride", "storage_offset", "dim") and _is_input(method.value)
        return isinstance(method, ast.Name) and method.id in FUNCTIONS - {"Symbol", "Float"}
    if isinstance(node, ast.Subscript):
        sizes = isinstance(node.value, ast.Call) and _allowed_in_guard(node.value)
        return sizes and isinstance(node.slice, ast.Constant) and type(node.slice.value) is int
    if _is_input(node):
        return True
    return _allowed_arithmetic(node, _allowed_in_guard)


def _is_input(node: ast.AST) -> bool:
    """`L['name']`, or an element of it by name or number."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
        return False
    place = node.slice.value
    named = type(place) is int or (isinstance(place, str) and is_identifier(place) and place != "")
    inner = isinstance(node.value, ast.Name) and node.value.id == "L"
    return named and (inner or _is_input(node.value))


def _allowed_arithmetic(node: ast.AST, allowed: Callable[[ast.AST], bool]) -> bool:
    """Numbers, and arithmetic, comparison and logic of what is allowed."""
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float, bool)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, (ast.USub, ast.UAdd, ast.Not)) and allowed(node.operand)
    if isinstance(node, ast.BinOp):
        operators = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
        return isinstance(node.op, operators) and allowed(node.left) and allowed(node.right)
    if isinstance(node, ast.BoolOp):
        return all(allowed(one) for one in node.values)
    if isinstance(node, ast.Compare):
        comparisons = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
        return all(isinstance(one, comparisons) for one in node.ops) and all(
            allowed(one) for one in (node.left, *node.comparators)
        )
    return False
