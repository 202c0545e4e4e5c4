// Every setting with its default and its range; the page's address is these, readable, and only what differs.

export const SETTINGS = {
  seed: {start: 0, whole: true, least: 0, most: 2 ** 32 - 1},
  n: {start: 100, whole: true, least: 2, most: 2000},
  low: {start: -10, least: -1000, most: 1000},
  high: {start: 10, least: -1000, most: 1000},
  slope: {start: 2, least: -1000, most: 1000},
  intercept: {start: 3, least: -1000, most: 1000},
  noise: {start: 0, least: 0, most: 100},
  on: {start: "x", among: ["x", "y"]},
  center: {start: false},
  lr: {start: 0.01, least: 1e-15, most: 10},
  momentum: {start: 0, least: 0, most: 0.99},
  batch: {start: 0, whole: true, least: 0, most: 2000}, // 0: all rows
  reduction: {start: "mean", among: ["mean", "sum"]},
  zero: {start: "top", among: ["top", "before", "between", "after", "off"]},
  epochs: {start: 500, whole: true, least: 1, most: 5000},
  init: {start: "linear", among: ["linear", "zeros"], pair: true},
};

export const MOST_POINTS = SETTINGS.n.most;

/** What may change in the middle of a run. */
export const LIVE = ["lr", "momentum", "zero"];

export const defaults = () => Object.fromEntries(Object.entries(SETTINGS).map(([name, {start}]) => [name, start]));

/** Whether a value is one that the setting can have. */
export function allowed(name, value) {
  const {start, among, whole, least, most, pair} = SETTINGS[name];
  if (pair && Array.isArray(value)) return value.length === 2 && value.every(finite);
  if (among) return among.includes(value);
  if (typeof start === "boolean") return typeof value === "boolean";
  return finite(value) && value >= least && value <= most && !(whole && value % 1);
}

/** What is wrong with settings as a whole, as the name of the first wrong one; null if nothing is. */
export function wrong(settings) {
  for (const name of Object.keys(SETTINGS)) if (!allowed(name, settings[name])) return name;
  return settings.low < settings.high ? null : "high";
}

/** A state as the text after # in an address. */
export function toAddress({settings, points, own, changes, step, line, view}) {
  const parts = [];
  for (const [name, {start}] of Object.entries(SETTINGS)) {
    const value = settings[name];
    if (value !== start) parts.push(`${name}=${typeof value === "boolean" ? Number(value) : value}`);
  }
  if (points) parts.push(`${own ? "own" : "points"}=${points.map((point) => point.join(",")).join(";")}`);
  if (changes.length) {
    parts.push(`from=${changes.map(({from, lr, momentum, zero}) => [from, lr, momentum, zero].join(",")).join(";")}`);
  }
  if (step) parts.push(`step=${step}`);
  if (line) parts.push(`line=${line}`);
  for (const [name, value] of Object.entries(view)) if (value) parts.push(`${name}=${encodeURIComponent(value)}`);
  return parts.join("&");
}

/** The state of an address; `error` names the part that makes no sense, and then nothing of it is used. */
export function fromAddress(text, viewNames) {
  const state = {
    settings: defaults(),
    points: null,
    own: false,
    changes: [],
    step: 0,
    line: 0,
    view: {},
    error: null,
  };
  for (const part of text.replace(/^#/, "").split("&").filter(Boolean)) {
    const cut = part.indexOf("="),
      name = part.slice(0, cut < 0 ? part.length : cut);
    if (cut < 0 || !take(state, name, part.slice(cut + 1), viewNames)) return {...blank(), error: name.slice(0, 40)};
  }
  const error = wrong(state.settings);
  return error ? {...blank(), error} : state;
}

const blank = () => fromAddress("", []);
const finite = (value) => typeof value === "number" && Number.isFinite(value);
const number = (text) => (/^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : NaN);
const rows = (text) => text.split(";").map((row) => row.split(","));

function take(state, name, text, viewNames) {
  if (Object.hasOwn(SETTINGS, name)) {
    const {start, among, pair} = SETTINGS[name];
    let value = number(text);
    if (typeof start === "boolean") value = {0: false, 1: true}[text];
    else if (pair && text.includes(",")) value = text.split(",").map(number);
    else if (among) value = text;
    state.settings[name] = value;
    return allowed(name, value);
  }
  if (name === "points" || name === "own") {
    state.points = rows(text).map((row) => row.map(number));
    state.own = name === "own";
    const {points} = state;
    return (
      points.length >= 2 && points.length <= MOST_POINTS && points.every((p) => p.length === 2 && p.every(finite))
    );
  }
  if (name === "from") {
    state.changes = rows(text).map(([from, lr, momentum, zero]) => ({
      from: number(from),
      lr: number(lr),
      momentum: number(momentum),
      zero,
    }));
    return state.changes.every(
      (change, i) =>
        Number.isInteger(change.from) &&
        change.from > 0 &&
        (i === 0 || change.from > state.changes[i - 1].from) &&
        LIVE.every((each) => allowed(each, change[each])),
    );
  }
  if (name === "step" || name === "line") {
    state[name] = number(text);
    return Number.isInteger(state[name]) && state[name] >= 0 && state[name] <= (name === "line" ? 4 : 1e5);
  }
  if (!viewNames.includes(name)) return false;
  try {
    state.view[name] = decodeURIComponent(text);
  } catch {
    return false;
  }
  return true;
}
