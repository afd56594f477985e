"""Keeps the catalogues of `templates/locale` in step with the sources: `python -m lrp_audit.catalogues LANGUAGE`.

Messages are found in the package, in the templates (by Jinja's own extractor for Babel) and in two kinds of word lists.
Run for a new language it writes a catalogue to fill in; run again it adds what is new, and drops what is gone.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeAlias

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from lrp_audit.resources import templates

KEYWORDS: Mapping[str, tuple[int, ...] | None] = {"say": None, "message": None, "plural": (1, 2)}
_WORD_LISTS = {"phrasebooks": "because", "special-categories": "name"}  # folder -> the key whose values are messages

Found: TypeAlias = tuple[str, str | tuple[str, ...]]
"""The file that a message is in, and its forms: one, or singular and plural."""


def extracted() -> Catalog:
    """Every message of the sources, without translations, in their order."""
    catalogue = Catalog(charset="utf-8", fuzzy=False)
    for file, forms in (*_in_code(), *_in_templates(), *_in_word_lists()):
        catalogue.add(forms, locations=[(file, 0)])
    return catalogue


def _in_code() -> Iterator[Found]:
    """Read off the syntax tree, since Babel's extractor loses a plural whose slots are filled by calls."""
    package = Path(__file__).resolve().parent
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and _name(node.func) in KEYWORDS:
                texts = [item.value for item in node.args if isinstance(item, ast.Constant)]
                forms = tuple(text for text in texts if isinstance(text, str))
                if forms:
                    place = f"{package.name}/{path.relative_to(package).as_posix()}"
                    yield place, forms if _name(node.func) == "plural" else forms[0]


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _in_templates() -> Iterator[Found]:
    shipped = templates()
    found = extract_from_dir(shipped, [("**.html", "jinja2.ext:babel_extract")], keywords=KEYWORDS)
    for file, _, text, _, _ in found:
        yield f"{shipped.name}/{file}", text


def _in_word_lists() -> Iterator[Found]:
    """Messages of word lists, all of them written in English whatever the language of the list."""
    shipped = templates()
    for folder, key in _WORD_LISTS.items():
        for path in sorted((shipped / folder).glob("*.toml")):
            for text in re.findall(rf'^{key} = "(.+)"$', path.read_text(encoding="utf-8"), flags=re.MULTILINE):
                yield f"{shipped.name}/{folder}/{path.name}", text


def updated(language: str, path: Path) -> Catalog:
    """The catalogue of a language with exactly the messages of the sources, and the translations it already had."""
    catalogue = Catalog(locale=language, fuzzy=False, charset="utf-8")
    if path.is_file():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language)
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    return catalogue


def write(catalogue: Catalog, file: IO[bytes]) -> None:
    """A catalogue in the order of the sources, without dates and places: it changes with its messages only."""
    language = Locale.parse(str(catalogue.locale)).english_name
    header = (
        f"# The sentences of lrp_audit in {language}, see docs/how-to/languages.md.\n"
        f'msgid ""\nmsgstr ""\n"Language: {catalogue.locale}\\n"\n'
        f'"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    file.write(header.encode())
    write_po(file, catalogue, omit_header=True, no_location=True, width=120, ignore_obsolete=True)


def main(languages: Iterable[str]) -> None:
    """Write the catalogues of some languages."""
    for language in languages:
        path = templates() / "locale" / f"{language}.po"
        catalogue = updated(language, path)
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            write(catalogue, file)
        print(f"{path}: {sum(not filled(item) for item in catalogue if item.id)} of {len(catalogue)} to translate")


def filled(item: Any) -> bool:
    """Whether a message of a catalogue has all its translations."""
    return all(item.string) if isinstance(item.string, tuple) else bool(item.string)


if __name__ == "__main__":
    main(sys.argv[1:])
