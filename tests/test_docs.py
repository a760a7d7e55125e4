"""The documentation as a site: whole, without warnings, and readable without a network."""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from refineloc.completion import PARSERS
from tests.analysis.browser import Browser, missing_browser
from tests.house import ROOT
from trainables.commands import COMMANDS

PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md"), ROOT / "benchmarks" / "README.md"])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
# What a browser would load by itself; a link that a reader may follow is none.
LOADED = re.compile(r"""(?:\bsrc\s*=|<link[^>]*\bhref\s*=|url\(|@import)\s*["']?\s*((?:https?:)?//[^"'\s)>]+)""")


OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
COMMAND = re.compile(r"python -m ((?:study|analysis|trainables|benchmarks)\.[\w.]+)((?: +[^ `#\n|;][^ `#\n|;]*)*)")


def given_options() -> dict[str, set[str]]:
    """Command as it is typed -> every option that any page gives it."""
    found: dict[str, set[str]] = {}
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        for module, arguments in COMMAND.findall(text):
            sub = re.match(r" [a-z]+(?![\w./-])", arguments)
            found.setdefault(module.rstrip(".") + (sub[0] if sub else ""), set()).update(OPTION.findall(arguments))
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-c", "docs", "-W", "--keep-going", "-q", ".", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_it_builds_without_a_warning(site: Path) -> None:
    assert (site / "index.html").is_file()
    for page in PAGES:
        assert (site / page.relative_to(ROOT)).with_suffix(".html").is_file(), page


def test_it_loads_nothing_from_a_network(site: Path) -> None:
    files = [path for kind in ("html", "css", "js") for path in site.rglob(f"*.{kind}")]
    loaded = {path.name: LOADED.findall(path.read_text()) for path in files}
    assert {name: urls for name, urls in loaded.items() if urls} == {}


def test_a_browser_reads_and_searches_it_from_the_disk(site: Path, tmp_path: Path) -> None:
    missing = missing_browser()
    if missing:
        pytest.skip(missing)
    with Browser(tmp_path / "wide") as browser:
        page = site / "docs" / "index.html"
        browser.open(page)
        assert [url for url in browser.requests(page) if not url.startswith("file:")] == []
        browser.open(site / "search.html", "q=confirmation")
        wait_for(browser, "return document.querySelectorAll('#search-results li').length > 0")
        assert "Search and statistics" in browser.run("return document.querySelector('#search-results').innerText")
        assert browser.console() == []


def test_nothing_needs_sideways_scrolling_on_a_phone(site: Path, tmp_path: Path) -> None:
    missing = missing_browser()
    if missing:
        pytest.skip(missing)
    with Browser(tmp_path / "phone", phone=True) as browser:
        wide = []
        for page in sorted(site.glob("docs/*.html")):
            browser.open(page)
            if browser.run("return document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                wide.append(page.name)
        assert wide == []


@pytest.mark.parametrize(("command", "options"), given_options().items(), ids=lambda value: str(value)[:60])
def test_commands_know_the_options_that_pages_give_them(command: str, options: set[str]) -> None:
    assert options <= known_options(command)


def test_options_that_pages_name_alone_belong_to_some_command() -> None:
    commands = [f"{command.module} {command.first}".strip() for command in COMMANDS.values()]
    known = {"--version"}.union(*map(known_options, [*commands, *given_options()]))
    named = {option for page in PAGES for option in re.findall(r"`(--[a-z][a-z0-9-]*)", page.read_text())}
    assert named - known == set()


@cache
def known_options(command: str) -> set[str]:
    module, *sub = command.split()
    if module.startswith("benchmarks."):
        return set(OPTION.findall((ROOT / f"{module.replace('.', '/')}.py").read_text()))
    parser = importlib.import_module(PARSERS.get(module, module)).command_parser()
    return {"--help"} | set(options_of(parser, sub))


def options_of(parser: argparse.ArgumentParser, sub: list[str]) -> Iterator[str]:
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                if not sub or name in sub:
                    yield from options_of(below, [])


def wait_for(browser: Browser, condition: str) -> None:
    end = time.monotonic() + 20
    while not browser.run(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files_of_the_repository(page: Path) -> None:
    """Also where the pages are read as they are, without a site."""
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) < 900
