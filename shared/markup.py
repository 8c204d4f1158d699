"""HTML put together of parts: a text is made inert when it is put in, and nothing else can be put in."""

import re
from html import escape
from typing import Final

_VOID: Final = frozenset({"meta", "input", "br"})
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Characters that show nothing and change how others are shown: controls, and those that turn the reading direction."""


class Html(str):
    """A piece of a page that may stand as it is; made by `element` only."""

    __slots__ = ()


def inert(text: str) -> str:
    """The text with every character that could hide or turn others taken out; not escaped yet."""
    return _UNSEEN.sub("", text)


def element(tag: str, *children: str, **attributes: str | bool | None) -> Html:
    """One element. Children that are no Html are texts. A trailing `_` is left off an attribute's name.

    None and False leave an attribute out, True gives it without a value. Raises ValueError for odd names.
    """
    names = [name.rstrip("_").replace("_", "-") for name in attributes]
    if not all(map(_NAME.fullmatch, (tag, *names))):
        raise ValueError(f"no HTML: {tag} {names}")
    said = [
        f" {name}" if value is True else f' {name}="{escape(inert(value), quote=True)}"'
        for name, value in zip(names, attributes.values(), strict=True)
        if value is not None and value is not False
    ]
    if tag in _VOID:
        return Html(f"<{tag}{''.join(said)}>")
    return Html(f"<{tag}{''.join(said)}>{together(*children)}</{tag}>")


def together(*children: str) -> Html:
    """Several pieces one after the other."""
    return Html("".join(child if isinstance(child, Html) else escape(inert(child), quote=True) for child in children))


def document(language: str, head: Html, body: Html) -> Html:
    """A whole page."""
    return Html(f"<!doctype html>\n{element('html', head, body, lang=language)}\n")
