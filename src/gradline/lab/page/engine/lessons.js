// Seven things to find out: settings to start from, a question, and a check that computes the answer.

import {descend} from "./descent.js";
import {problemOf} from "./data.js";
import {stability} from "./exact.js";
import {settled} from "./facts.js";
import {defaults} from "./settings.js";

/**
 * Each lesson: `settings` that differ from the default; `points` where some are moved; `check(run)` computes from runs
 * which answer is right (its number) and the values of the explanation. `run(part)` is the lesson's run with other
 * settings.
 */
export const LESSONS = [
  {
    id: "notebook",
    check(run) {
      const {trace, exact} = run({}),
        end = trace.theta.subarray(trace.steps * 2);
      const [w, b] = [Math.abs(end[0] - exact[0]), Math.abs(end[1] - exact[1])];
      return {right: w < b / 2 ? 0 : b < w / 2 ? 1 : 2, values: {steps: trace.steps, w, b}};
    },
  },
  {
    id: "rates",
    settings: {lr: 0.001},
    check(run) {
      const {limit} = run({}).stable,
        rates = [limit / 30, limit * 0.97, limit * 1.03];
      const lost = rates.map((lr) => run({lr, epochs: 1000}).growing);
      return {right: lost.indexOf(true), values: {limit, low: rates[0], near: rates[1], over: rates[2]}};
    },
  },
  {
    id: "slow",
    settings: {low: 0, high: 20, lr: 0.005, epochs: 2000},
    check(run) {
      const counts = [false, true].map((center) => {
        const {trace, problem} = run({center});
        return settled(trace, problem.moments.floor, 1e-6) ?? Infinity;
      });
      const [raw, centred] = counts;
      const conditions = [false, true].map((center) => {
        const {steepness} = run({center}).stable;
        return steepness[0] / steepness.at(-1);
      });
      const right = centred < 0.9 * raw ? 0 : centred > 1.1 * raw ? 2 : 1;
      return {right, values: {raw, centred, before: conditions[0], after: conditions[1]}};
    },
  },
  {
    id: "forgotten",
    settings: {zero: "off"},
    check(run) {
      const {trace, growing} = run({}),
        late = trace.full.subarray(Math.floor(trace.steps / 2), trace.steps);
      const other = run({zero: "top", momentum: 1}).trace;
      let apart = 0;
      for (let k = 0; k < trace.steps; k++) apart = Math.max(apart, Math.abs(trace.full[k] - other.full[k]));
      const [low, high] = [Math.min(...late), Math.max(...late)];
      return {right: growing ? 2 : high > 10 * low ? 1 : 0, values: {low, high, apart, steps: trace.steps}};
    },
  },
  {
    id: "sum",
    settings: {lr: 0.0001},
    check(run) {
      const mean = run({reduction: "mean"}).stable.limit,
        sum = run({reduction: "sum"}).stable.limit;
      const ratio = mean / sum,
        {n} = run({}).problem.moments;
      const near = (value) => Math.abs(ratio / value - 1) < 1e-6;
      return {right: near(1) ? 0 : near(n) ? 1 : 2, values: {mean, sum, n}};
    },
  },
  {
    id: "batches",
    settings: {noise: 1, batch: 10, epochs: 100},
    check(run) {
      const spread = (batch) => {
        const {trace, problem} = run({batch, epochs: batch ? 100 : 1000}),
          tail = trace.full.subarray(trace.steps - 100, trace.steps);
        return [Math.max(...tail) - Math.min(...tail), problem.moments.floor];
      };
      const [swing, floor] = spread(10),
        [whole] = spread(0);
      return {right: swing > 100 * whole ? 1 : 0, values: {swing, floor, whole, batch: 10}};
    },
  },
  {
    id: "outlier",
    settings: {noise: 0.5},
    outlier: 120,
    check(run) {
      const {trace, exact, truth} = run({}),
        end = trace.theta.subarray(trace.steps * 2);
      const far = (aim) => Math.hypot(end[0] - aim[0], end[1] - aim[1]),
        [ols, line] = [far(exact), far(truth)];
      return {
        right: ols < 0.05 * line ? 1 : line < 0.05 * ols ? 0 : 2,
        values: {w: exact[0], b: exact[1], ols, truth: line},
      };
    },
  },
];

/** The state that a lesson starts from. */
export function stateOf(lesson) {
  const settings = {...defaults(), ...lesson.settings};
  return {
    settings,
    points: pointsFor(lesson, settings),
    own: false,
    changes: [],
    step: 0,
    line: 0,
    lesson: lesson.id,
  };
}

/** The right answer of a lesson, and the values of its explanation. */
export function solve(lesson) {
  return lesson.check((part) => {
    const settings = {...defaults(), ...lesson.settings, ...part};
    const problem = problemOf(settings, pointsFor(lesson, settings), false),
      {lr, momentum, zero} = settings;
    const trace = descend(problem, settings, [{from: 0, lr, momentum, zero}]),
      {best, target, mean} = problem.moments;
    const growing = trace.lost || trace.full[trace.steps] > trace.full[0];
    const exact = [best[0], target - best[0] * mean[0]],
      truth = [settings.slope, settings.intercept];
    return {problem, trace, exact, truth, growing, stable: stability(problem.moments, settings)};
  });
}

/** The rightmost point moved up, for the lesson on outliers. */
function pointsFor({outlier}, settings) {
  if (!outlier) return null;
  const {x, y} = problemOf({...settings, center: false}, null, false),
    points = Array.from(x, (value, i) => [value, y[i]]);
  const right = points.reduce((best, point) => (point[0] > best[0] ? point : best));
  right[1] += outlier;
  return points;
}
