# SPDX-License-Identifier: MIT
"""The page in a real browser: see Tools/page/test."""

import io
import itertools
import pathlib
import re
import sys
import tempfile

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from served import ROOT, SEVEN, TWO_DIGITS, Server, browser, draw

PHOTO = ROOT / "Examples/photo.jpg"
DIGIT = ROOT / "Examples/digit.png"
KEY = "a-key-for-the-page-of-tests"
WAIT = 60_000
expect.set_options(timeout=WAIT)


class Tests:
    def __init__(self, program, chromium):
        self.program, self.chromium = program, chromium

    def page(self, server, **options):
        """A page in a visit of its own. What it logs as an error fails the test, but for what the test names."""
        options.setdefault("locale", "en-US")
        context = self.chromium.new_context(accept_downloads=True, **options)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.problems, page.requests = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(server.origin)
        return page

    @staticmethod
    def close(page, *expected):
        """Ends a visit; its console has only what matches `expected`. A stroke that has just begun is no digit: 422."""
        expected += ("422",)
        wrong = [text for text in page.problems if not any(re.search(pattern, text) for pattern in expected)]
        page.context.close()
        assert not wrong, f"the console says: {wrong}"

    # What a person draws.

    def test_a_drawn_seven_is_a_seven(self, server):
        page = self.page(server)
        expect(page.locator("#state-text")).to_have_text("Serving")
        draw(page, SEVEN)
        expect(page.locator("#digit")).to_have_text("7")
        expect(page.locator("#verdict")).to_contain_text("It is a 7")
        best = page.locator("#digit-bars .best")
        assert best.locator(".name").inner_text() == "7"
        assert float(best.locator(".share").inner_text().rstrip("%")) > 90
        seen = page.locator("#seen")
        assert seen.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [28, 28]
        page.click("#draw-clear")
        expect(page.locator("#digit")).to_have_text("–")
        self.close(page)

    def test_the_answer_moves_while_one_draws(self, server):
        page = self.page(server)
        expect(page.locator("#state-text")).to_have_text("Serving")
        box = page.locator("#paper").bounding_box()
        at = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.move(*at(0.5, 0.15))
        page.mouse.down()
        page.mouse.move(*at(0.5, 0.85), steps=8)
        expect(page.locator("#digit")).to_have_text("1")  # the button is still down
        page.mouse.up()
        self.close(page)

    def test_a_digit_is_drawn_by_keyboard(self, server):
        page = self.page(server)
        expect(page.locator("#state-text")).to_have_text("Serving")
        page.focus("#paper")
        for key, times in [("ArrowUp", 9), (" ", 1), ("ArrowDown", 18), (" ", 1)]:
            for _ in range(times):
                page.keyboard.press(key)
        expect(page.locator("#digit")).to_have_text("1")
        page.keyboard.press("Backspace")
        expect(page.locator("#digit")).to_have_text("–")
        self.close(page)

    def test_several_digits_are_said(self, server):
        page = self.page(server)
        expect(page.locator("#state-text")).to_have_text("Serving")
        draw(page, TWO_DIGITS)
        expect(page.locator("#draw-problem")).to_contain_text("does not look like one digit")
        self.close(page)

    def test_the_drawing_is_saved_and_its_curl_gives_the_same(self, server):
        page = self.page(server)
        expect(page.locator("#state-text")).to_have_text("Serving")
        draw(page, SEVEN)
        expect(page.locator("#digit")).to_have_text("7")
        with page.expect_download() as download:
            page.click("#draw-save")
        with tempfile.TemporaryDirectory() as folder:
            download.value.save_as(f"{folder}/digit.png")
            page.locator("#draw .curl summary").click()
            answer = run_shell(page.locator("#draw-curl").inner_text(), folder)
        assert '"label":"7"' in answer, answer
        self.close(page)

    # Photos.

    def test_a_turned_photo_comes_back_upright(self, server):
        page = self.page(server)
        expect(page.locator("#state-text")).to_have_text("Serving")
        with tempfile.TemporaryDirectory() as folder:
            turned = turned_photo(page, folder)
            page.set_input_files("#photo-input", [turned])
            card = page.locator("#photo-cards > li").first
            expect(card.locator(".found")).to_contain_text("90°")
            expect(card.locator(".found")).to_contain_text("% sure")
            with page.expect_download() as download:
                card.locator("a[download]").click()
            assert download.value.suggested_filename == "turned-upright.jpg"
            download.value.save_as(f"{folder}/upright.jpg")
            before, upright = size(page, turned), size(page, f"{folder}/upright.jpg")
            assert before == upright[::-1] == size(page, PHOTO)[::-1], (before, upright)
            assert likeness(page, f"{folder}/upright.jpg", PHOTO) < 12
            card.get_by_role("button", name="Remove").click()
            expect(page.locator("#photo-cards > li")).to_have_count(0)
        self.close(page)

    def test_photos_are_dropped_and_pasted(self, server):
        page = self.page(server)
        expect(page.locator("#state-text")).to_have_text("Serving")
        bytes_ = list(PHOTO.read_bytes())
        page.evaluate(GIVE, ["drop", "#photo-drop", bytes_, "dropped.jpg"])
        page.evaluate(GIVE, ["paste", "body", bytes_, "pasted.jpg"])
        expect(page.locator("#photo-cards .found")).to_have_count(2)
        expect(page.locator("#photo-count")).to_have_text("2 of 2 photos done")
        self.close(page)

    def test_a_wrong_file_is_said(self, server):
        page = self.page(server)
        expect(page.locator("#state-text")).to_have_text("Serving")
        page.set_input_files("#photo-input", [{"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}])
        expect(page.locator("#photo-cards .problem")).to_contain_text("This file is no picture that the server reads")
        page.set_input_files("#ask-input", [{"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}])
        expect(page.locator("#ask-problem")).to_contain_text("This file is no picture")
        self.close(page, "415")

    # Any model, and what runs.

    def test_any_model_answers_a_picture(self, server):
        page = self.page(server)
        expect(page.locator("#state-text")).to_have_text("Serving")
        names = page.locator("#ask-model option").all_inner_texts()
        for model in ["mnist", "mnist-mlp", "rotation"]:
            assert any(name.split(",")[0] == model for name in names), names
        page.select_option("#ask-model", label=next(name for name in names if name.startswith("mnist-mlp")))
        page.set_input_files("#ask-input", [DIGIT])
        expect(page.locator("#ask-verdict")).to_contain_text("mnist-mlp says of digit.png: 7")
        expect(page.locator("#ask-bars li").first.locator(".name")).to_have_text("7")
        page.select_option("#ask-model", label=next(name for name in names if name.startswith("rotation")))
        expect(page.locator("#ask-verdict")).to_contain_text("rotation says")
        page.locator("#ask .curl summary").click()
        self.close(page)

    def test_what_runs_is_shown_and_moves(self, server):
        page = self.page(server)
        expect(page.locator("#tile-mode")).to_have_text({"process": "processes", "thread": "threads"}[server.mode])
        rows = page.locator("#model-rows tr")
        expect(rows).to_have_count(3)
        requests = page.locator("#tile-requests")
        before = requests.inner_text()
        draw(page, SEVEN)
        expect(page.locator("#digit")).to_have_text("7")
        expect(requests).not_to_have_text(before)
        after = requests.inner_text()
        assert int(after.replace(",", "")) > int(before.replace(",", "")), (before, after)
        expect(page.locator("#tile-median")).to_contain_text("ms")
        self.close(page)

    def test_a_stopped_server_is_said_and_its_return_seen(self, _):
        with Server(self.program, "--workers", "1", "--model", "mnist") as server:
            page = self.page(server)
            expect(page.locator("#state-text")).to_have_text("Serving")
            expect(page.locator("#photos-none")).to_be_visible()  # no model for photos here
            server.stop()
            expect(page.locator("#alarm")).to_contain_text("The server does not answer")
            draw(page, SEVEN)
            expect(page.locator("#draw-problem")).to_contain_text("does not answer")
            server.start()
            expect(page.locator("#alarm")).to_be_hidden()
            expect(page.locator("#state-text")).to_have_text("Serving")
            self.close(page, "ERR_CONNECTION", "Failed to load")

    # Keys.

    def test_a_key_is_asked_for(self, _):
        with tempfile.TemporaryDirectory() as folder:
            keys = pathlib.Path(folder, "keys")
            keys.write_text(KEY + "\n")
            with Server(self.program, "--workers", "1", "--model", "mnist", "--api-keys", str(keys)) as server:
                page = self.page(server)
                expect(page.locator("#key-dialog")).to_be_visible()
                page.fill("#key-input", "a-key-that-is-wrong-1")
                page.keyboard.press("Enter")
                expect(page.locator("#key-problem")).to_contain_text("does not know this key")
                page.fill("#key-input", KEY)
                page.keyboard.press("Enter")
                expect(page.locator("#state-text")).to_have_text("Serving")
                draw(page, SEVEN)
                expect(page.locator("#digit")).to_have_text("7")
                assert "$SWIFTNET_API_KEY" in page.locator("#draw-curl").text_content()
                assert KEY not in page.content()
                self.close(page, "401")

    # How it looks and is used.

    def test_the_rules_of_axe_hold(self, server):
        axe = Axe()
        for theme, language, width in itertools.product(["light", "dark"], ["en", "ko"], [360, 1280]):
            page = self.page(
                server, color_scheme=theme, locale={"en": "en-US", "ko": "ko-KR"}[language],
                viewport={"width": width, "height": 800}, reduced_motion="reduce")
            expect(page.locator("#model-rows tr").first).to_be_visible()
            assert page.get_attribute("html", "lang") == language
            draw(page, SEVEN)
            expect(page.locator("#digit")).to_have_text("7")
            page.set_input_files("#photo-input", [PHOTO])
            page.set_input_files("#ask-input", [DIGIT])
            expect(page.locator("#photo-cards .found")).to_be_visible()
            expect(page.locator("#ask-bars li").first).to_be_visible()
            for summary in page.locator("summary").all():
                summary.click()
            results = axe.run(page)
            assert results.violations_count == 0, f"{theme} {language} {width}: {results.generate_report()}"
            self.close(page)

    def test_nothing_is_wider_than_the_screen(self, server):
        for width, language in itertools.product([360, 768, 1280], ["en-US", "ko-KR"]):
            page = self.page(server, viewport={"width": width, "height": 800}, locale=language)
            expect(page.locator("#model-rows tr").first).to_be_visible()
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{wide} of {width} pixels, {language}"
            self.close(page)

    def test_the_language_and_the_colours_are_chosen_and_stay(self, server):
        page = self.page(server, color_scheme="light")
        page.click("[data-language=ko]")
        expect(page.locator("#draw-title")).to_have_text("숫자 그리기")
        left = page.evaluate(LEFT_IN_ENGLISH)
        assert not left, f"not translated: {left}"
        page.select_option("#theme", "dark")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.reload()
        expect(page.locator("#draw-title")).to_have_text("숫자 그리기")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light == "rgb(20, 19, 18)"
        self.close(page)

    def test_everything_is_reached_by_keyboard(self, server):
        page = self.page(server)
        expect(page.locator("#model-rows tr").first).to_be_visible()
        reached = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.dataset.language || document.activeElement.hash"))
        for wanted in ["en", "ko", "theme", "#draw", "paper", "photo-input", "four-views", "ask-model", "ask-input", "ask-drawing"]:
            assert wanted in reached, f"{wanted} is not reached: {reached}"
        self.close(page)

    def test_nothing_is_fetched_from_elsewhere(self, server):
        page = self.page(server)
        expect(page.locator("#model-rows tr").first).to_be_visible()
        own = (server.origin, "data:", "blob:")
        assert page.requests and all(url.startswith(own) for url in page.requests), page.requests
        self.close(page)


GIVE = """([kind, target, bytes, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], name, {type: 'image/jpeg'}));
  const event = kind === 'drop' ? new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})
    : new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});
  document.querySelector(target).dispatchEvent(event);
}"""

# Words of the page, in Korean, that have no letter of Korean though the English ones have letters.
LEFT_IN_ENGLISH = """() => [...document.querySelectorAll('[data-t]')].map((element) => element.textContent)
  .filter((text) => /[a-z]{3}/i.test(text) && !/[가-힣]/.test(text))"""

PICTURE = """async ([bytes, turn, width]) => {
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
  const scale = width ? width / bitmap.width : 1;
  const [w, h] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)];
  const canvas = new OffscreenCanvas(turn ? h : w, turn ? w : h);
  const context = canvas.getContext('2d');
  if (turn) { context.translate(0, w); context.rotate(-Math.PI / 2); }
  context.drawImage(bitmap, 0, 0, w, h);
  if (width) return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
  const file = await canvas.convertToBlob({type: 'image/jpeg', quality: 0.95});
  return {size: [bitmap.width, bitmap.height], file: [...new Uint8Array(await file.arrayBuffer())]};
}"""


def turned_photo(page, folder):
    """The photo, turned by 90 degrees counter-clockwise."""
    path = f"{folder}/turned.jpg"
    pathlib.Path(path).write_bytes(bytes(page.evaluate(PICTURE, [list(PHOTO.read_bytes()), True, 0])["file"]))
    return path


def size(page, path):
    return page.evaluate(PICTURE, [list(pathlib.Path(path).read_bytes()), False, 0])["size"]


def likeness(page, first, second):
    """The mean difference of two pictures' values, made small."""
    one, other = (page.evaluate(PICTURE, [list(pathlib.Path(path).read_bytes()), False, 32]) for path in (first, second))
    assert len(one) == len(other)
    return sum(abs(a - b) for a, b in zip(one, other)) / len(one)


def run_shell(command, folder):
    import subprocess
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60).stdout


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""
    passed = failed = 0
    with browser() as chromium:
        tests = Tests(program, chromium)
        names = [name for name in dir(tests) if name.startswith("test_") and wanted in name]
        for mode in ["process", "thread"]:
            with Server(program, "--mode", mode) as server:
                server.mode = mode
                # In the second mode, what depends on how the server works; the page is the same.
                chosen = names if mode == "process" else [n for n in names if "what_runs" in n or "seven" in n or "turned" in n]
                for name in chosen:
                    try:
                        getattr(tests, name)(server)
                        passed += 1
                        print(f"ok    {mode}: {name[5:].replace('_', ' ')}", flush=True)
                    except Exception as error:  # each test is told of
                        failed += 1
                        print(f"FAIL  {mode}: {name[5:].replace('_', ' ')}: {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
