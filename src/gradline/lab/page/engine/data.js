// The points and the start: drawn as the notebook draws them, edited by hand, or somebody's own.

import {momentsOf} from "./exact.js";
import {generator, linear, normal, uniform} from "./random.js";
import {MOST_POINTS} from "./settings.js";

/**
 * x, y and the start (w, b) of settings. Random numbers come in the notebook's order after torch.manual_seed(seed):
 * x, the noise (whether used or not), and the model. Points of one's own leave the seed to the model alone.
 */
export function problemOf(settings, points, own) {
  const bits = generator(settings.seed);
  let x, y;
  if (!own) {
    const {n, low, high, slope, intercept, noise, on} = settings;
    x = uniform(bits, n, low, high);
    const e = normal(bits, n);
    y = x.map((value, i) =>
      on === "x" ? slope * (value + noise * e[i]) + intercept : slope * value + intercept + noise * e[i],
    );
  }
  const drawn = [...linear(bits)];
  if (points) {
    x = Float64Array.from(points, (point) => point[0]);
    y = Float64Array.from(points, (point) => point[1]);
  }
  const shift = settings.center ? x.reduce((sum, value) => sum + value, 0) / x.length : 0;
  if (shift) x = x.map((value) => value - shift);
  const {init} = settings;
  const start = Array.isArray(init) ? [...init] : init === "zeros" ? [0, 0] : drawn;
  return {x, y, start, shift, moments: momentsOf(x, y)};
}

/** The loss when every parameter is 0, against which a loss is called lost. */
export function sizeOf({floor, target, best, mean, cross}) {
  let size = floor + target * target;
  for (let i = 0; i < best.length; i++) for (let j = 0; j < best.length; j++) size += best[i] * cross[i][j] * best[j];
  return size;
}

/**
 * Points of pasted text: two columns of numbers apart by comma, semicolon, tab or blanks; a heading is passed over.
 * Gives {points, left}: rows without two numbers, and those beyond the most, are counted in left. Of more columns the
 * first two count.
 */
export function pointsOf(text) {
  const points = [];
  let left = 0;
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (!line.trim()) continue;
    const cells = line.trim().split(/\s*[,;\t]\s*|\s+/),
      pair = cells.slice(0, 2).map((cell) => Number(cell || NaN));
    if (points.length < MOST_POINTS && pair.length === 2 && pair.every(Number.isFinite)) points.push(pair);
    else if (i > 0) left++;
  }
  return {points, left};
}
