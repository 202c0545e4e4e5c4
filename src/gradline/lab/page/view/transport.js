// Play, pause, by line, by step, by ten steps, back, and the scrub bar: all of it moves one cursor.

import {LINES} from "../engine/descent.js";
import {button, h, mark} from "./elements.js";
import {plain} from "./numbers.js";

const ICONS = {
  start: "M5 5h3v14H5zM20 5 9 12l11 7z",
  back: "M17 5 7 12l10 7z",
  line: "M7 5l10 7-10 7z",
  step: "M4 5l8 7-8 7zM12 5l8 7-8 7z",
  play: "M7 4l13 8-13 8z",
  pause: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z",
  pin: "M8 3h8v2l-1 1v5l3 3v2h-5v5l-1 1-1-1v-5H6v-2l3-3V6L8 5z",
  reset: "M6.5 8a7 7 0 1 1-1 6M6 3.5V8h4.5",
};

export function icon(name) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  if (name === "reset") picture.setAttribute("class", "drawn");
  const path = document.createElementNS(picture.namespaceURI, "path");
  path.setAttribute("d", ICONS[name]);
  picture.append(path);
  return picture;
}

export function transport(lab) {
  const {session, say} = lab;
  const act = (name, action) =>
    button([icon(name), h("span", {}, say(name))], action, {class: name, "aria-label": say(name)});
  const start = act("start", () => lab.jump(0)),
    back = act("back", () => lab.jump(session.cursor - 1));
  const line = act("line", () => lab.jump(session.cursor + 1));
  const step = act("step", () => lab.jump((session.step + 1) * LINES));
  const ten = button("×10", () => lab.jump((session.step + 10) * LINES), {"aria-label": say("ten")});
  const play = button([icon("play"), h("span", {}, say("play"))], () => lab.player.toggle(), {class: "play"});
  const scrub = h("input", {
    type: "range",
    min: 0,
    step: 1,
    "aria-label": say("scrub"),
    oninput: () => {
      lab.stop();
      session.seek(Number(scrub.value) * LINES);
    },
    onchange: () => lab.announce(lab.status()),
  });
  const speed = h("input", {
    type: "range",
    min: 0,
    max: 100,
    step: 1,
    value: lab.player.speed,
    "aria-label": say("speed"),
    oninput: () => {
      lab.player.speed = Number(speed.value);
      draw();
    },
  });
  const count = h("output", {class: "count"});
  const element = h(
    "div",
    {class: "transport", role: "toolbar", "aria-label": say("transport")},
    h(
      "div",
      {class: "buttons"},
      start,
      back,
      line,
      step,
      ten,
      play,
      act("reset", () => lab.reset()),
      act("pin", () => lab.pin()),
    ),
    h("label", {class: "speed"}, h("span", {}, say("speed")), speed),
    h("label", {class: "scrub"}, h("span", {class: "unseen"}, say("scrub")), scrub, count),
  );

  function draw() {
    const {trace, step: now, cursor} = session;
    mark(scrub, trace.steps, "max");
    scrub.value = now;
    mark(scrub, say("step_of", {step: now, steps: trace.steps}), "aria-valuetext");
    mark(speed, say("speed_value", {rate: plain(lab.player.rate(), 2)}), "aria-valuetext");
    mark(count, `${now} / ${trace.steps}`);
    // Not `disabled`: a button that is would lose the focus, and with it the keys.
    for (const each of [start, back]) mark(each, cursor === 0, "aria-disabled");
    for (const each of [line, step, ten]) mark(each, cursor >= session.last, "aria-disabled");
    const shows = lab.player.playing ? "pause" : "play";
    if (play.dataset.shows !== shows) {
      play.dataset.shows = shows;
      play.setAttribute("aria-label", say(shows));
      play.replaceChildren(icon(shows), h("span", {}, say(shows)));
    }
  }

  return {element, draw};
}
