"""A report as a program reads it: its texts, tables and pictures."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"meta", "link", "br", "img"}


class Reading(HTMLParser):
    """What stands in a page; tags that are left open, and attributes that ask for things elsewhere, are refused."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.size = path.stat().st_size
        self.open: list[str] = []
        self.lang = ""
        self.ids: list[str] = []
        self.uses: list[str] = []
        self.tags: set[str] = set()
        self.sections: dict[str, str] = {}
        self.tables: dict[str, list[list[list[str]]]] = {}
        self.values: dict[str, list[float]] = {}
        self.pictures: list[str] = []
        self.frames: list[str] = []
        self._section, self._cell = "", False
        self.feed(self.text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attrs)
        self.tags.add(tag)
        self.lang = given["lang"] if tag == "html" else self.lang
        if "id" in given:
            self.ids.append(given["id"])
        for name in ("href", "src"):
            if name in given:
                assert given[name].startswith(("#", "data:")), given[name]
                self.uses += [given[name][1:]] * given[name].startswith("#")
        assert not any(name.startswith("on") for name in given)
        self.uses += [value.split("#")[1][:-1] for value in given.values() if value and value.startswith("url(#")]
        if tag == "section":
            self._section = given["aria-labelledby"]
            self.sections[self._section] = ""
            self.tables[self._section], self.values[self._section] = [], []
        if tag == "table":
            self.tables[self._section].append([])
        if tag == "tr":
            self.tables[self._section][-1].append([])
        if tag in ("td", "th"):
            self.tables[self._section][-1][-1].append("")
            self._cell = True
        if tag == "data":
            self.values[self._section].append(float(given["value"]))
        if given.get("role") == "img":
            self.pictures.append(given["aria-label"])
        if tag == "iframe":
            self.frames.append(given["srcdoc"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._cell = self._cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._section:
            self.sections[self._section] += data
        if self._cell:
            self.tables[self._section][-1][-1][-1] += data
