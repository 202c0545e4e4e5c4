"""How soon the lab's page is there, and how smoothly it moves: from disk, in a headless Chromium without a GPU."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

ROUNDS = 7
SECONDS = 4
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FAST = 70  # on the slider of the speed: 240 steps a second, so that every frame shows another step
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
DRAWN = "() => window.drawn"
WATCH = """
const watch = () => {
  if (!document.querySelector(".gradline-lab .status:not(:empty)")) requestAnimationFrame(watch);
  else requestAnimationFrame(() => setTimeout(() => { window.drawn = performance.now(); }));
};
watch();
"""
FRAMES = """(seconds) => new Promise((done) => {
  let frames = 0, longest = 0, before = performance.now();
  const start = before;
  const count = (now) => {
    frames += 1;
    longest = Math.max(longest, now - before);
    before = now;
    if (now - start < 1000 * seconds) requestAnimationFrame(count);
    else done([1000 * frames / (now - start), longest]);
  };
  requestAnimationFrame(count);
})"""


def opened(browser: Any, address: str) -> Any:
    page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en").new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_function(DRAWN)
    return page


def main() -> None:
    if CHROMIUM is None:
        print("\nthe lab's page: no chromium here, so it is not measured")
        return
    from playwright.sync_api import sync_playwright

    from gradline.lab.bundle import page as page_of

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "lab.html"
        path.write_text(page_of({}), encoding="utf-8")
        # The page is ours, and a container's root cannot have Chromium's sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found: dict[str, list[float]] = {"first paint": [], "all of it drawn": []}
        for _ in range(ROUNDS):
            page = opened(browser, path.as_uri())
            page.wait_for_function(PAINTED)
            found["first paint"].append(page.evaluate(PAINTED))
            found["all of it drawn"].append(page.evaluate(DRAWN))
            page.context.close()
        print(f"\nthe lab's page from disk, Chromium {browser.version}, no GPU; medians of {ROUNDS}, and the slowest")
        for what, times in found.items():
            print(f"  {what:<24} {statistics.median(times):6.0f} ms  {max(times):6.0f} ms")
        for points, batch in ((100, 0), (2000, 0), (100, 16), (2000, 16)):
            page = opened(browser, f"{path.as_uri()}#n={points}&noise=1&epochs=5000&lr=0.001&batch={batch}")
            page.get_by_role("slider", name="Speed").fill(str(FAST))
            page.get_by_role("button", name="Play").click()
            frames, longest = page.evaluate(FRAMES, SECONDS)
            what = f"{points:,} points" + (f", batches of {batch}" if batch else "")
            print(f"  {what:<28} {frames:5.1f} frames a second, the longest {longest:3.0f} ms")
            page.context.close()
        browser.close()


if __name__ == "__main__":
    main()
