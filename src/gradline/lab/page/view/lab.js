// The lab on a screen: builds the panels, draws them when something changed, plays, and answers keys.

import {LINES, at} from "../engine/descent.js";
import {requestOf} from "../engine/export.js";
import {exactOf} from "../engine/exact.js";
import {LESSONS, stateOf} from "../engine/lessons.js";
import {Session} from "../engine/session.js";
import {SETTINGS, fromAddress} from "../engine/settings.js";
import {translator} from "../texts/say.js";
import {codePanel} from "./code_panel.js";
import {controls} from "./controls.js";
import {dataPanel} from "./data_panel.js";
import {keysDialog, pasteDialog, takeText} from "./dialogs.js";
import {h, mark} from "./elements.js";
import {header} from "./header.js";
import {lessonPanel} from "./lesson_panel.js";
import {lossPanel} from "./loss_panel.js";
import {plain, short} from "./numbers.js";
import {Player} from "./player.js";
import {compare} from "./proof.js";
import {sentence} from "./sentences.js";
import {surfacePanel} from "./surface_panel.js";
import {transport} from "./transport.js";

const VIEW = ["lang", "theme", "lesson", "hide", "plane"];
const TABS = ["surface", "loss", "codes", "settings"],
  PEEK = 1500;
let labs = 0;

export class Lab {
  /**
   * @param host element to fill. @param options address: the state as in a link; given: a problem of real data;
   * verify: asks PyTorch, or null; page: gives the text of a page with a state; changed: told of settings and
   * results; lang.
   */
  constructor(host, options = {}) {
    Object.assign(this, {
      host,
      options,
      id: `gradline-${++labs}`,
      verify: options.verify ?? null,
    });
    this.shown = {squares: true, exact: true, ghost: true};
    this.peek = false;
    this.tab = "surface";
    const state = fromAddress(options.address ?? "", VIEW),
      {view} = state;
    this.lang = ["en", "ko"].includes(view.lang)
      ? view.lang
      : (options.lang ?? (navigator.language?.startsWith("ko") ? "ko" : "en"));
    this.theme = ["light", "dark"].includes(view.theme) ? view.theme : "";
    this.hidden = (view.hide ?? "").split(",").filter(Boolean);
    this.session = new Session({...state, lesson: view.lesson ?? ""}, options.given ?? null);
    const {p} = this.session.trace,
      plane = (view.plane ?? "").split("-").map(Number);
    this.plane = [0, p - 1]; // the parameters that the landscape spans
    if (plane.length === 2 && plane[0] !== plane[1] && plane.every((k) => k in this.session.exact)) this.span(plane);
    if (this.session.lesson && !options.address.replace(/(^|&)(lang|theme|lesson|hide|step|line)=[^&]*/g, "")) {
      this.begin(this.session.lesson);
      this.session.seek(state.step * LINES + state.line);
    }
    this.session.listen(() => this.refresh());
    this.player = new Player(this);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.root = h("div", {
      class: "gradline-lab",
      "data-lm-suppress-shortcuts": true,
      onkeydown: (event) => this.key(event),
    });
    this.live = h("div", {class: "unseen", role: "status", "aria-live": "polite"});
    host.replaceChildren(h("style", {}, CSS), this.root);
    this.rebuild = () => this.build();
    this.announce = (text, visibly = false) => {
      this.live.textContent = text;
      if (visibly) this.note(text);
    };
    this.build();
    if (state.error) this.note(this.say("bad_link", {name: state.error}));
    this.dropping();
    const redraw = () => this.refresh();
    this.watcher = new ResizeObserver(redraw);
    this.watcher.observe(this.root);
    this.dark.onchange = redraw;
  }

  /** Make the screen anew, as after a change of language; the session goes on. */
  build() {
    this.say = translator(this.lang);
    const {say} = this,
      focused = this.root.contains(document.activeElement) ? document.activeElement.dataset.lang : null;
    this.root.lang = this.lang;
    this.root.dataset.theme = this.theme;
    this.parts = [
      dataPanel(this),
      surfacePanel(this),
      lossPanel(this),
      codePanel(this),
      controls(this),
      transport(this),
    ];
    const [data, surface, loss, code, settings, bar] = this.parts.map((part) => part.element);
    this.statusLine = h("p", {class: "status"});
    this.noteLine = h("p", {class: "note", hidden: true});
    this.paste = pasteDialog(this);
    this.keys = keysDialog(this);
    const tabs = h(
      "div",
      {class: "tabs", role: "tablist", "aria-label": say("panels")},
      TABS.map((name) =>
        h(
          "button",
          {type: "button", role: "tab", "data-tab": name, onclick: () => this.show(name)},
          say(`tab_${name}`),
        ),
      ),
    );
    tabs.addEventListener("keydown", (event) => {
      const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!by) return;
      this.show(TABS[(TABS.indexOf(this.tab) + by + TABS.length) % TABS.length]);
      tabs.querySelector("[aria-selected=true]").focus();
      event.preventDefault();
      event.stopPropagation();
    });
    this.tabs = tabs;
    this.root.replaceChildren(
      header(this),
      this.noteLine,
      ...[lessonPanel(this)].filter(Boolean),
      h("div", {class: "panels"}, data, tabs, surface, loss, code, settings),
      h("div", {class: "bar"}, this.statusLine, bar),
      this.live,
      this.paste,
      this.keys,
    );
    this.show(this.tab);
    if (focused) this.root.querySelector(`[data-lang=${focused}]`).focus();
    this.draw();
  }

  /** Draw the landscape over these two parameters, and the data along the first. */
  span(plane) {
    this.plane = plane;
    this.session.axis = plane[0] % (this.session.trace.p - 1);
    this.session.rebuild();
  }

  /** Whether the landscape spans the first weight and the bias, of which an address holds the start. */
  get usual() {
    return this.plane[0] === 0 && this.plane[1] === this.session.trace.p - 1;
  }

  show(name) {
    this.tab = name;
    this.root.dataset.tab = name;
    for (const tab of this.tabs.children) {
      tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
      tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
    }
    this.refresh();
  }

  /** Draw before the next frame; many changes in between are one drawing. */
  refresh() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.waiting);
    this.waiting = null;
    this.colours = this.resolved();
    for (const part of this.parts) part.plot?.measure();
    mark(this.statusLine, this.status());
    for (const part of this.parts) part.draw();
    this.options.changed?.(this);
  }

  /** The colours of the style sheet as the canvas needs them; they change with light and dark only. */
  resolved() {
    const dark = `${this.theme} ${this.dark.matches}`;
    if (this.resolvedFor === dark && this.colours) return this.colours;
    this.resolvedFor = this.root.isConnected && dark; // a notebook may attach it later
    const names = CSS.match(/(?<=--)\w+(?=:)/g), // all that the style sheet names, be it a colour or not
      probes = names.map((name) => h("i", {style: `color: var(--${name})`}));
    this.root.append(...probes); // all at once: each reading after a change computes every style anew
    const colours = Object.fromEntries(names.map((name, i) => [name, getComputedStyle(probes[i]).color]));
    colours.font = getComputedStyle(this.root).fontFamily;
    for (const probe of probes) probe.remove();
    return colours;
  }

  status() {
    return sentence(this);
  }

  /** Change settings by hand: the whole path shows for a moment. */
  changed(part) {
    const done = this.session.change(part);
    this.peek = true;
    clearTimeout(this.peeking);
    this.peeking = setTimeout(() => {
      this.peek = false;
      this.refresh();
    }, PEEK);
    return done;
  }

  jump(cursor) {
    this.stop();
    this.session.seek(cursor);
    this.announce(this.status());
  }

  reset() {
    this.stop();
    this.session.reset();
    this.announce(this.status());
  }

  /** Say between which values a setting may be. */
  refuse(name) {
    const {least: low, most: high} = SETTINGS[name];
    this.announce(this.say("not_allowed", {name: this.say(name), low, high}), true);
  }

  pin() {
    this.session.pin();
    this.announce(this.say("pinned"));
  }

  stop() {
    this.player.stop();
  }

  /** Keys that work wherever no control wants them for itself. */
  key(event) {
    event.stopPropagation(); // a notebook would take the arrows of a slider for its own
    const tag = event.target.tagName,
      typing = ["INPUT", "SELECT", "TEXTAREA"].includes(tag);
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("dialog")) return;
    const {session} = this,
      large = event.shiftKey;
    const act = {
      ArrowRight: () => this.jump(large ? (session.step + 1) * LINES : session.cursor + 1),
      ArrowLeft: () => this.jump(large ? Math.ceil(session.cursor / LINES - 1) * LINES : session.cursor - 1),
      Home: () => this.jump(0),
      End: () => this.jump(session.last),
      " ": () => this.player.toggle(),
    }[event.key];
    if (!act || (event.key === " " && ["BUTTON", "SUMMARY"].includes(tag))) return;
    event.preventDefault();
    act();
  }

  speak(lang) {
    this.lang = lang;
    this.build();
    this.announce(this.status());
  }

  turn() {
    const dark = this.theme ? this.theme === "dark" : this.dark.matches;
    this.theme = dark ? "light" : "dark";
    this.root.dataset.theme = this.theme;
    this.refresh();
  }

  /** Load the state of a lesson; "" leaves it and keeps what there is. */
  begin(id) {
    const lesson = LESSONS.find((each) => each.id === id);
    if (lesson) this.session.load(stateOf(lesson));
    else this.session.lesson = "";
  }

  openLesson(id) {
    this.stop();
    this.begin(id);
    this.build();
    this.root.querySelector(id ? ".lesson input" : ".top select").focus();
  }

  openPaste() {
    this.paste.showModal();
  }

  openKeys() {
    this.keys.showModal();
  }

  dropping() {
    this.root.addEventListener("dragover", (event) => event.preventDefault());
    this.root.addEventListener("drop", async (event) => {
      event.preventDefault();
      if (this.session.given) return;
      const file = event.dataTransfer.files[0];
      const wrong = takeText(this, file ? await file.text() : event.dataTransfer.getData("text/plain"));
      if (wrong) this.announce(wrong, true);
    });
  }

  note(text) {
    this.noteLine.textContent = text;
    this.noteLine.hidden = !text;
  }

  address() {
    const {lang, theme, hidden, plane} = this;
    return this.session.address({lang, theme, hide: hidden.join(","), plane: this.usual ? "" : plane.join("-")});
  }

  async copyLink() {
    const link = `${location.href.split("#")[0]}#${this.address()}`;
    try {
      await navigator.clipboard.writeText(link);
      this.announce(this.say("link_copied"), true);
    } catch {
      this.announce(link, true);
    }
  }

  /** This lab as one page that needs nothing else. */
  async page() {
    return this.options.page({address: this.address(), given: this.session.given});
  }

  /** Have PyTorch run the same loop, and lay its losses under ours. */
  async check() {
    const {session, say} = this,
      {trace} = session;
    this.note(say("verifying"));
    let answer;
    try {
      answer = await this.verify(requestOf(session));
    } catch (error) {
      answer = {error: error.message};
    }
    if (answer.error) return this.announce(say("verify_failed", {error: answer.error}), true);
    if (trace !== session.trace) return this.note("");
    session.proof = compare(session, answer);
    const {inParameters, inLoss, version} = session.proof;
    this.announce(
      say("verified", {version, steps: trace.steps, parameters: short(inParameters, 3), loss: short(inLoss, 3)}),
      true,
    );
    this.refresh();
  }

  summary({lr, momentum, batch, zero, reduction}) {
    const parts = [`lr ${plain(lr)}`];
    if (momentum) parts.push(`${this.say("momentum")} ${plain(momentum)}`);
    if (batch && !this.session.given) parts.push(`${this.say("batch")} ${batch}`);
    if (reduction === "sum") parts.push("sum");
    if (zero !== "top") parts.push(this.say(`zero_${zero}`));
    return parts.join(", ");
  }

  /** What a host may want to know: the settings, and the numbers at the cursor. */
  result() {
    const {trace, step, problem} = this.session,
      theta = Array.from(at(trace, "theta", step));
    return {
      step,
      loss: trace.full[step],
      weight: theta.slice(0, -1),
      bias: theta.at(-1),
      exact: exactOf(problem.moments),
    };
  }

  destroy() {
    this.stop();
    cancelAnimationFrame(this.waiting);
    clearTimeout(this.peeking);
    this.watcher.disconnect();
    this.dark.onchange = null;
    this.host.replaceChildren();
  }
}
