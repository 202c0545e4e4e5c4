// Every setting as a control that a mouse, a finger and a keyboard can move, with its limits drawn on it.

import {SETTINGS, allowed} from "../engine/settings.js";
import {watcher} from "../engine/changes.js";
import {planAt} from "../engine/descent.js";
import {stability} from "../engine/exact.js";
import {button, checkbox, h, mark, segments} from "./elements.js";
import {plain} from "./numbers.js";

const LOG_HIGH = 0;

/** Where the learning rate's slider begins, in powers of ten: well below the limit of these points. */
function lowest({session}) {
  return Math.min(-5, Math.floor(Math.log10(session.steepness.best)) - 2);
}

export function controls(lab) {
  const {session, say} = lab,
    real = session.given !== null;
  const all = [];

  function add(name, make) {
    if (lab.hidden.includes(name)) return null;
    const made = make();
    all.push(made);
    return h("div", {class: `control ${name}`, "data-control": name}, made.element);
  }

  /** A slider with a number beside it. `places` maps the slider's position to the value and back. */
  function slider(name, {low, high, step, places = [Number, Number], words = plain, under = null, written = Number}) {
    const {whole} = SETTINGS[name],
      id = `${lab.id}-${name}`;
    const set = (value) => lab.changed({[name]: whole ? Math.round(value) : Number(value.toPrecision(3))});
    const range = h("input", {
      type: "range",
      id,
      min: low,
      max: high,
      step,
      "aria-label": say(name),
      oninput: () => {
        const now = session.now[name],
          place = Number(range.value),
          value = places[0](place);
        // A place may be less than one away from the next: it moves on all the same.
        if (set(whole && Math.round(value) === now ? now + Math.sign(place - places[1](now)) : value)) return;
        lab.refuse(name);
        show();
      },
      onchange: () => lab.announce(lab.status()),
    });
    const number = h("input", {
      type: "text",
      inputmode: "decimal",
      class: "number",
      "aria-label": say("number_of", {name: say(name)}),
      onchange: () => {
        const value = Number(number.value.replace("−", "-"));
        const fine = number.value.trim() !== "" && allowed(name, value) && lab.changed({[name]: value});
        if (!fine) lab.refuse(name);
        show();
      },
      onblur: () => show(),
    });
    const show = () => {
      const value = session.now[name];
      range.value = places[1](value);
      mark(range, words(value), "aria-valuetext");
      if (document.activeElement !== number || !lab.root.contains(number)) number.value = plain(written(value), 8);
    };
    return {
      element: [h("label", {for: id}, say(name)), h("span", {class: "slide"}, range, under?.element), number],
      show: () => {
        show();
        under?.show();
      },
    };
  }

  const training = h(
    "fieldset",
    {},
    h("legend", {}, say("training")),
    add("lr", () =>
      slider("lr", {
        low: lowest(lab),
        high: LOG_HIGH,
        step: 0.01,
        places: [(place) => 10 ** place, (value) => Math.log10(value)],
        words: (value) => rateWords(lab, value),
        under: bands(lab),
      }),
    ),
    add("momentum", () => slider("momentum", {low: 0, high: 0.99, step: 0.01})),
    real ? null : add("batch", () => batch(lab, slider)),
    add("epochs", () =>
      slider("epochs", {
        low: 0,
        high: 3.7,
        step: 0.01,
        places: [(place) => 10 ** place, (value) => Math.log10(value)],
      }),
    ),
    add("reduction", () =>
      choice(lab, "reduction", [
        ["mean", "mean"],
        ["sum", "sum"],
      ]),
    ),
    add("zero", () => zeroChoice(lab)),
    real
      ? null
      : add("init", () =>
          choice(lab, "init", [
            ["linear", "nn.Linear"],
            ["zeros", "0, 0"],
            ["hand", say("by_hand")],
          ]),
        ),
  );
  const data = real
    ? null
    : h(
        "fieldset",
        {},
        h("legend", {}, say("points")),
        add("noise", () => slider("noise", {low: 0, high: 10, step: 0.1})),
        add("on", () =>
          choice(lab, "on", [
            ["x", "w(x + e) + b"],
            ["y", "wx + b + e"],
          ]),
        ),
        add("n", () =>
          slider("n", {
            low: Math.log10(2),
            high: Math.log10(2000),
            step: 0.01,
            places: [(place) => 10 ** place, (value) => Math.log10(value)],
          }),
        ),
        add("slope", () => slider("slope", {low: -10, high: 10, step: 0.1})),
        add("intercept", () => slider("intercept", {low: -10, high: 10, step: 0.1})),
        add("low", () => slider("low", {low: -50, high: 50, step: 1})),
        add("high", () => slider("high", {low: -50, high: 50, step: 1})),
        add("center", () =>
          checkbox(
            say("center"),
            () => session.settings.center,
            (center) => lab.changed({center}),
          ),
        ),
        add("seed", () => seed(lab)),
        add("csv", () => ({
          element: [
            button(say("paste"), () => lab.openPaste()),
            button(say("restore"), () => {
              session.restore();
              lab.announce(lab.status());
            }),
          ],
          show() {},
        })),
      );
  const element = h("section", {class: "panel settings", "aria-label": say("settings")}, training, data);
  const another = watcher();
  /** Settings stand still while the cursor moves, unless they were changed on the way. */
  function draw() {
    const {trace, step} = session;
    if (another(trace, planAt(trace.plan, step))) for (const each of all) each.show();
  }
  return {element, draw};
}

/** Where the rate speeds up, zigzags and diverges, under its slider: lengths and words from this run's data. */
function bands(lab) {
  const {session, say} = lab;
  const names = ["calm", "zigzag", "over"].map((name) => h("span", {class: `band ${name}`}));
  const best = button("", () => lab.changed({lr: Number(session.steepness.best.toPrecision(3))}), {
    class: "best small",
  });
  const limit = h("span", {class: "limit"}),
    bar = h("span", {class: "bands", "aria-hidden": "true"}, names);
  const element = h("span", {class: "under"}, bar, h("span", {class: "marks"}, best, limit));
  const low = lowest(lab),
    place = (rate) => Math.min(1, Math.max(0, (Math.log10(rate) - low) / (LOG_HIGH - low)));
  const show = () => {
    const {now} = session,
      {limit: most, monotone, best: fastest, forgets} = session.steepness;
    const edges = [0, place(forgets ? monotone : 1e-9), most === null ? 0 : place(most), 1];
    names.forEach((name, i) => {
      name.style.left = `${100 * edges[i]}%`;
      name.style.width = `${100 * Math.max(0, edges[i + 1] - edges[i])}%`;
    });
    const about = session.trace.whole ? "" : "≈ ";
    best.hidden = !forgets || now.momentum > 0;
    mark(best, say("best_rate", {rate: about + plain(fastest)}));
    mark(limit, most === null ? say("no_limit") : say(forgets ? "limit" : "bounded", {rate: about + plain(most)}));
    element.dataset.over = String(most === null || now.lr >= most);
  };
  return {element, show};
}

function rateWords({session, say}, value) {
  const {limit} = stability(session.problem.moments, session.now);
  return limit === null ? plain(value) : say("rate_value", {rate: plain(value), share: plain(value / limit, 2)});
}

function batch(lab, slider) {
  const {session, say} = lab,
    n = () => session.problem.moments.n;
  const size = (value) => (value === 0 || value >= n() ? n() : value);
  const made = slider("batch", {
    low: 0,
    high: 1,
    step: 0.01,
    written: size,
    words: (value) => (value === 0 ? say("all_rows") : String(value)),
    places: [
      (place) => {
        const b = Math.round(n() ** place);
        return b >= n() ? 0 : b;
      },
      (value) => Math.log(size(value)) / Math.log(n()),
    ],
  });
  const note = h("span", {class: "note"});
  return {
    element: [...made.element, note],
    show: () => {
      made.show();
      const {whole, perEpoch, cut, epochs} = session.trace;
      mark(note, whole ? say("full_batch") : say(cut ? "batches_cut" : "batches_note", {count: perEpoch, epochs}));
    },
  };
}

function choice(lab, name, choices) {
  const {session, say} = lab,
    chosen = () => (Array.isArray(session.settings[name]) ? "hand" : session.settings[name]);
  const made = segments(say(name), choices, chosen, (value) => {
    lab.changed({[name]: value === "hand" ? session.problem.start.map((each) => Number(each.toFixed(3))) : value});
  });
  return {element: [h("span", {class: "name"}, say(name)), made.element], show: made.show};
}

function zeroChoice(lab) {
  const {session, say} = lab,
    id = `${lab.id}-zero`;
  const select = h(
    "select",
    {id, onchange: () => lab.changed({zero: select.value})},
    SETTINGS.zero.among.map((value) => h("option", {value}, say(`zero_${value}`))),
  );
  return {
    element: [h("label", {for: id}, say("zero")), select],
    show: () => {
      select.value = session.now.zero;
    },
  };
}

function seed(lab) {
  const {session, say} = lab,
    id = `${lab.id}-seed`;
  const number = h("input", {
    type: "text",
    inputmode: "numeric",
    class: "number",
    id,
    onchange: () => {
      const value = Number(number.value);
      if (!number.value.trim() || !allowed("seed", value) || !lab.changed({seed: value})) {
        lab.refuse("seed");
        number.value = session.settings.seed;
      }
    },
  });
  const next = button(say("new_seed"), () =>
    lab.changed({seed: (session.settings.seed + 1) % (SETTINGS.seed.most + 1)}),
  );
  return {
    element: [h("label", {for: id}, say("seed")), number, next],
    show: () => {
      if (document.activeElement !== number) number.value = session.settings.seed;
    },
  };
}
