// The bar at the top: lessons, language, light and dark, link, export, check with PyTorch, keys.

import {LESSONS} from "../engine/lessons.js";
import {notebookOf, scriptOf} from "../engine/export.js";
import {button, download, h} from "./elements.js";

export function header(lab) {
  const {session, say} = lab;
  const lessons = h(
    "select",
    {"aria-label": say("lesson"), onchange: () => lab.openLesson(lessons.value)},
    h("option", {value: ""}, say("free")),
    LESSONS.map(({id}, i) =>
      h("option", {value: id, selected: id === session.lesson}, `${i + 1}. ${say(`${id}_title`)}`),
    ),
  );
  const languages = h(
    "div",
    {class: "languages", role: "group", "aria-label": say("language")},
    [
      ["ko", "한국어"],
      ["en", "EN"],
    ].map(([lang, name]) =>
      button(name, () => lab.speak(lang), {lang, "aria-pressed": String(lab.lang === lang), "data-lang": lang}),
    ),
  );
  const theme = button("◐", () => lab.turn(), {class: "theme", "aria-label": say("theme"), title: say("theme")});
  const real = session.given !== null;
  const exports_ = menu(
    say("export"),
    [
      real ? null : [say("export_script"), () => download("lab.py", scriptOf(session), "text/x-python")],
      real
        ? null
        : [say("export_notebook"), () => download("lab.ipynb", notebookOf(session), "application/x-ipynb+json")],
      [say("export_page"), async () => download("lab.html", await lab.page(), "text/html")],
      [say("export_link"), () => lab.copyLink()],
    ].filter(Boolean),
  );
  const check = lab.verify && !real ? button(say("verify"), () => lab.check(), {class: "verify"}) : null;
  const keys = button(say("keys"), () => lab.openKeys());
  return h(
    "header",
    {class: "top"},
    h("h1", {}, "gradline ", h("span", {}, "lab")),
    lessons,
    h("span", {class: "gap"}),
    check,
    languages,
    theme,
    exports_,
    keys,
  );
}

/** A button with a list of actions under it. */
function menu(label, entries) {
  const list = h(
    "div",
    {class: "list", role: "group", "aria-label": label},
    entries.map(([text, action]) =>
      button(text, () => {
        box.open = false;
        action();
      }),
    ),
  );
  const box = h("details", {class: "menu"}, h("summary", {}, label), list);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    box.open = false;
    box.firstChild.focus();
    event.stopPropagation();
  });
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false;
  });
  return box;
}
