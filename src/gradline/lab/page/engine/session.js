// One learner's lab without a screen: settings, points, the run that follows from them, and where the cursor stands.

import {watcher} from "./changes.js";
import {planAt, linesOf, LINES, descend} from "./descent.js";
import {problemOf} from "./data.js";
import {exactOf, stability, studentQuantile} from "./exact.js";
import {LIVE, MOST_POINTS, defaults, toAddress, wrong} from "./settings.js";

const MOST_PINS = 3;

export class Session {
  /** @param state what fromAddress gives; @param given a problem of real data with several features, or null. */
  constructor(state, given = null) {
    this.given = given;
    this.pins = [];
    this.axis = 0; // the feature that is drawn to the right
    this.listeners = [];
    this.another = watcher();
    this.load(state);
  }

  /** Take over a whole state. */
  load({settings, points, own, changes, step, line, lesson = ""}) {
    Object.assign(this, {settings: {...settings}, points, own, changes: [...changes], lesson, checked: null});
    this.cursor = step * LINES + line;
    this.rebuild();
  }

  /** Call when anything has changed; `what` is "run" or "cursor". */
  listen(listener) {
    this.listeners.push(listener);
  }

  tell(what) {
    for (const listener of this.listeners) listener(what);
  }

  get plan() {
    const {lr, momentum, zero} = this.settings;
    return [{from: 0, lr, momentum, zero}, ...this.changes];
  }

  get step() {
    return Math.floor(this.cursor / LINES);
  }

  get line() {
    return this.cursor % LINES;
  }

  get last() {
    return this.trace.steps * LINES;
  }

  /** The settings as they are at the cursor. */
  get now() {
    const {lr, momentum, zero} = planAt(this.plan, this.step);
    return {...this.settings, lr, momentum, zero};
  }

  /** The name of the line that runs next, and of the one that ran last; null at either end. */
  get next() {
    return this.cursor >= this.last ? null : linesOf(this.now.zero)[this.line];
  }

  get before() {
    if (this.cursor === 0) return null;
    const cursor = this.cursor - 1;
    return linesOf(planAt(this.plan, Math.floor(cursor / LINES)).zero)[cursor % LINES];
  }

  rebuild() {
    this.problem = this.given ? this.real() : problemOf(this.settings, this.points, this.own);
    const {batch} = this.settings,
      settings = {...this.settings, batch: this.given ? 0 : batch};
    this.trace = descend(this.problem, settings, this.plan);
    this.exact = exactOf(this.problem.moments);
    const {n, cross} = this.problem.moments;
    this.quantile = n > 2 && cross[0][0] > 0 ? studentQuantile(0.975, n - 2) : NaN;
    this.cursor = Math.min(this.cursor, this.last);
    this.proof = null;
    this.tell("run");
  }

  /** Real data of several features, or of many rows: its moments, the rows that are drawn, and the start. */
  real() {
    const {
        given,
        settings: {init},
        axis,
      } = this,
      start = [...given.start];
    if (Array.isArray(init)) [start[0], start[start.length - 1]] = init;
    return {...given, start, x: given.columns[axis]};
  }

  /** How steep the loss is, with the settings at the cursor. */
  get steepness() {
    const {problem, now} = this,
      {reduction, momentum, zero} = now;
    if (this.another(problem, reduction, momentum, zero)) this.steep = stability(problem.moments, now);
    return this.steep;
  }

  /** Change settings. In the middle of a run those that may change on the way do so from the present step on. */
  change(part) {
    const later = {...this.settings, ...part};
    if (wrong(later)) return false;
    const live = Object.keys(part).every((name) => LIVE.includes(name));
    if (live && this.cursor > 0 && this.step > 0 && this.step < this.trace.steps) {
      const {lr, momentum, zero} = this.now,
        from = this.step;
      this.changes = [...this.changes.filter((each) => each.from < from), {from, lr, momentum, zero, ...part}];
    } else {
      if (live) this.flatten();
      Object.assign(this.settings, part);
    }
    this.rebuild();
    return true;
  }

  /** What holds now holds from the first step on. */
  flatten() {
    this.settings = {...this.now};
    this.changes = [];
  }

  /** Back to the start with the same seed, points and start. */
  reset() {
    this.flatten();
    this.cursor = 0;
    this.rebuild();
  }

  seek(cursor) {
    this.cursor = Math.max(0, Math.min(this.last, Math.round(cursor)));
    this.tell("cursor");
  }

  /** The points as they stand, to be edited: [[x, y], …], before any centring. */
  editable() {
    const {x, y, shift} = this.problem;
    return this.points?.map((point) => [...point]) ?? Array.from(x, (value, i) => [value + shift, y[i]]);
  }

  edit(points, own = this.own) {
    if (points.length < 2 || points.length > MOST_POINTS) return false;
    Object.assign(this, {points, own});
    this.rebuild();
    return true;
  }

  /** The points as they were drawn. */
  restore() {
    Object.assign(this, {points: null, own: false});
    this.rebuild();
  }

  /** Keep this run to compare with; the oldest of three gives way. */
  pin() {
    const free = ["A", "B", "C"].find((name) => this.pins.every((pin) => pin.name !== name));
    const name = free ?? this.pins[0].name,
      {trace, now} = this;
    this.pins = [...this.pins.filter((pin) => pin.name !== name).slice(-MOST_PINS + 1), {name, trace, settings: now}];
    this.tell("run");
  }

  unpin(name) {
    this.pins = this.pins.filter((pin) => pin.name !== name);
    this.tell("run");
  }

  address(view = {}) {
    const {settings, points, own, changes, step, line, lesson} = this;
    return toAddress({settings, points, own, changes, step, line, view: {lesson, ...view}});
  }
}

export const fresh = () => ({settings: defaults(), points: null, own: false, changes: [], step: 0, line: 0});
