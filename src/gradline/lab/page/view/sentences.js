// The status line: what just happened, in a sentence with this run's numbers.

import {effect, namesOf, pace} from "../engine/facts.js";
import {planAt} from "../engine/descent.js";
import {plain, short} from "./numbers.js";

export function sentence({session, say}) {
  const {trace, step, line, cursor, last} = session;
  if (trace.lost && cursor >= last) return lost(session, say);
  if (line > 0) return ofLine(session, say, effect(session, line - 1));
  const {steep, flat, steepFactor, flatFactor, limit, share} = pace(session);
  const now = {
    step,
    loss: short(trace.full[step]),
    n: session.problem.moments.n,
    lr: plain(session.now.lr),
    share: plain(share, 2),
  };
  if (cursor === 0 && limit !== null) return say("status_start", now);
  if (cursor >= last) return say("status_end", {...now, ...left(session)});
  const {zero, momentum} = planAt(trace.plan, step);
  if (zero === "between") return say("status_still", now);
  if (zero === "off")
    return say(momentum ? "status_lost_zero" : "status_orbit", {...now, bound: plain(limit ?? NaN)});
  const factors = {steep, flat, steepFactor: plain(steepFactor), flatFactor: plain(flatFactor)};
  return say(limit !== null && session.now.lr >= limit ? "status_growing" : "status_step", {...now, ...factors});
}

function ofLine(session, say, {name, before, after, first, x, y, pred, loss, added}) {
  const {step, lr, momentum, zero, reduction} = {...session.now, step: session.step};
  const w = namesOf(session.trace.p)[0],
    text = (grad) => (grad ? short(grad[0]) : "None");
  const values = {
    step,
    w,
    grad: text(before.grad),
    now: text(after.grad),
    added: short(added[0]),
    lr: plain(lr),
    momentum: plain(momentum),
    from: short(before.theta[0]),
    to: short(after.theta[0]),
    b: short(before.theta.at(-1)),
    loss: short(loss),
    row: first,
    x: x === undefined ? "" : short(x),
    pred: pred === undefined ? "" : short(pred),
    y: y === undefined ? "" : short(y),
  };
  if (name === "forward") return say(pred === undefined ? "line_forward_many" : "line_forward", values);
  if (name === "loss") return say(reduction === "sum" ? "line_loss_sum" : "line_loss", values);
  if (name === "zero")
    return say(zero === "off" ? "line_kept" : zero === "between" ? "line_zero_late" : "line_zero", values);
  if (name === "backward") return say(before.grad ? "line_added" : "line_backward", values);
  if (zero === "between") return say("line_nothing", values);
  return say(momentum ? "line_step_momentum" : "line_step", values);
}

/** Divergence with this run's numbers: how far over the limit, along which direction, by which factor. */
function lost(session, say) {
  const {steep, swing, limit, best} = pace(session),
    {lr, zero} = session.now;
  const values = {
    step: session.trace.steps,
    lr: plain(lr),
    steep,
    limit: plain(limit ?? NaN),
    times: plain(lr / limit, 3),
    factor: plain(Math.abs(swing), 3),
    square: plain(swing * swing, 3),
    best: plain(best),
  };
  const {momentum} = session.now;
  if (limit === null || (session.trace.whole && lr < limit)) return say("lost_otherwise", values);
  return say(momentum || zero === "off" || !session.trace.whole ? "lost_momentum" : "lost", values);
}

function left({trace, exact}) {
  const d = trace.p - 1,
    end = trace.theta.subarray(trace.steps * trace.p),
    names = namesOf(trace.p);
  return {w: names[0], wLeft: short(Math.abs(end[0] - exact[0]), 3), bLeft: short(Math.abs(end[d] - exact[d]), 3)};
}
