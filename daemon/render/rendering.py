"""One digest in all its renderings."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import css_inline
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from connectors.contract import RenderedDigest
from daemon.render import charts, terminal
from daemon.render.csv_attachment import FILE_NAME, csv_attachment
from daemon.render.size_limits import MOST_BYTES, SIZE_LIMITS
from daemon.render.slack import for_slack
from daemon.render.view import NOT_MET_SHOWN, DigestView, LineView, view, within
from scoring.digest.value import Digest


def by_file_name(file: str) -> str:
    """How a page in a folder refers to the images beside it. A mail says `cid:` instead."""
    return file


def render(digest: Digest, *, image_src: Callable[[str], str] = by_file_name) -> RenderedDigest:
    """Subject, text, HTML, and the files that belong to them: two charts a client told in full, and the CSV file.

    `image_src` turns a chart's file name into what the HTML refers to. The same digest gives the same bytes.
    """
    seen, page = _fitting(digest, image_src)
    slack = for_slack(seen, digest.sections)
    files = {FILE_NAME: csv_attachment(digest)}
    for line in seen.lines:
        if line in seen.full or line.strip.file in slack.attached:
            files |= _charts(line, digest.month)
    return RenderedDigest(
        subject=seen.subject,
        text=_text(seen),
        html=page,
        files=files,
        blocks=slack.blocks,
        thread=slack.thread,
        attached=slack.attached,
        headline=seen.headline,
    )


def _fitting(digest: Digest, image_src: Callable[[str], str]) -> tuple[DigestView, str]:
    """The digest and its page, with as many clients told in full as Gmail shows without cutting the page off."""
    seen = view(digest)
    for limits in SIZE_LIMITS:
        seen = within(seen, limits)
        page = _html(seen, image_src)
        if len(page.encode()) <= MOST_BYTES:
            break
    return seen, page


def _charts(line: LineView, month: str) -> dict[str, bytes]:
    environment = _environment()
    return {
        line.strip.file: charts.strip_png(environment, line.line.strip, month),
        line.trend_image.file: charts.trend_png(environment, line.line.trend_scores),
    }


def _text(seen: DigestView) -> str:
    template = _environment().get_template("digest.txt.j2")
    lines = template.render(digest=seen, terminal=terminal).splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _html(seen: DigestView, image_src: Callable[[str], str]) -> str:
    page = _environment().get_template("digest.html.j2").render(digest=seen, image_src=image_src)
    return _inliner().inline(page)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Everything is escaped but the text, which nothing interprets."""
    found = Environment(
        loader=PackageLoader("daemon.render"),
        autoescape=select_autoescape(default=True, disabled_extensions=("txt.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["not_met_shown"] = NOT_MET_SHOWN
    return found


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    """Mail programs drop style sheets; what they keep of one are its media queries. Nothing is fetched."""
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True, minify_css=True)
