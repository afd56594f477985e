"""How drawings are written: an element with a title that is also its alternative text, lengths with two decimals."""

from __future__ import annotations

from markupsafe import escape

AGAINST = "#b3261e"
FAVOUR = "#1f5fa8"
HOLLOW = "#e3edf8"  # what fills shapes in favour
INK = "#1b1f24"
RULE = "#8a929c"
TINT = "#f6e3e1"  # of the adverse side of a cutoff


def opening(title: str, width: float, height: float, attributes: str = "") -> str:
    """The start of a drawing of `width` by `height` points; `title` is a sentence that says what it shows."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {pt(width)} {pt(height)}" role="img"{attributes}>'
        f"<title>{escape(title)}</title>"
    )


def pt(length: float) -> str:
    """A length with two decimals and no trailing zeros; never `-0`."""
    return f"{round(length, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def path(shapes: str, style: str) -> str:
    """A path of one style; nothing where there is nothing to draw."""
    return f'<path d="{shapes}" {style}/>' if shapes else ""
