// What opens over the page: pasted data, and the list of keys.

import {pointsOf} from "../engine/data.js";
import {button, h} from "./elements.js";

export function pasteDialog(lab) {
  const {say} = lab,
    note = h("p", {class: "note", role: "status"});
  const text = h("textarea", {
    rows: 9,
    "aria-label": say("paste"),
    spellcheck: "false",
    placeholder: "x,y\n1.2,3.4\n2.5,6.1",
  });
  const file = h("input", {
    type: "file",
    accept: ".csv,.tsv,.txt,text/*",
    "aria-label": say("choose_file"),
    onchange: async () => {
      if (file.files[0]) take(await file.files[0].text());
    },
  });
  const dialog = h(
    "dialog",
    {"aria-label": say("paste")},
    h("h2", {}, say("paste")),
    h("p", {}, say("paste_help")),
    text,
    file,
    note,
    h(
      "div",
      {class: "onward"},
      button(say("use_points"), () => take(text.value), {class: "main"}),
      button(say("close"), () => dialog.close()),
    ),
  );

  function take(content) {
    const said = takeText(lab, content);
    if (said === null) dialog.close();
    else note.textContent = said;
  }

  return dialog;
}

/** Take the points of a text; gives what is wrong with it, or null. */
export function takeText({session, say, announce, rebuild}, content) {
  const {points, left} = pointsOf(content);
  if (points.length < 2) return say("no_points");
  session.cursor = 0;
  session.edit(points, true);
  rebuild();
  announce(say(left ? "taken_some" : "taken", {n: points.length, left}), true);
  return null;
}

export function keysDialog({say}) {
  const rows = [
    ["Space", "key_space"],
    ["← →", "key_arrows"],
    ["Shift + ← →", "key_shift"],
    ["Home, End", "key_ends"],
    [say("data"), "data_help"],
    [say("surface"), "surface_help"],
  ].map(([key, does]) => h("tr", {}, h("th", {scope: "row"}, key), h("td", {}, say(does))));
  const dialog = h(
    "dialog",
    {"aria-label": say("keys")},
    h("h2", {}, say("keys")),
    h("table", {}, h("tbody", {}, rows)),
    h(
      "div",
      {class: "onward"},
      button(say("close"), () => dialog.close(), {class: "main"}),
    ),
  );
  return dialog;
}
