# SPDX-License-Identifier: MIT
"""Pictures of the page for the README: see Tools/page/screenshots."""

import pathlib
import sys
import tempfile

from playwright.sync_api import expect

from served import ROOT, SEVEN, Server, browser, draw
from test import PHOTO, turned_photo


def fill(page, folder):
    """Uses the page as a visitor would."""
    expect(page.locator("#model-rows tr").first).to_be_visible()
    page.set_input_files("#photo-input", [turned_photo(page, folder)])
    page.set_input_files("#ask-input", [str(ROOT / "Examples/blackboard.png")])
    expect(page.locator("#photo-cards .found")).to_be_visible()
    for _ in range(3):
        draw(page, SEVEN)
        page.wait_for_timeout(2100)
        page.click("#draw-clear")
    draw(page, SEVEN)
    expect(page.locator("#digit")).to_have_text("7")
    page.locator("h1").scroll_into_view_if_needed()
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    page.wait_for_timeout(400)


def main():
    program, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    pictures = [("page", "light", "en-US", 1120), ("page-dark", "dark", "en-US", 1120), ("page-phone", "light", "ko-KR", 390)]
    with Server(str(program)) as server, browser() as chromium, tempfile.TemporaryDirectory() as folder:
        for name, theme, language, width in pictures:
            context = chromium.new_context(
                viewport={"width": width, "height": 820}, color_scheme=theme, locale=language, reduced_motion="reduce")
            page = context.new_page()
            page.goto(server.origin)
            fill(page, folder)
            page.screenshot(path=out / f"{name}.png")
            if len(sys.argv) > 3:  # the whole page, to look at
                page.screenshot(path=pathlib.Path(sys.argv[3]) / f"{name}-whole.png", full_page=True)
            context.close()


if __name__ == "__main__":
    main()
