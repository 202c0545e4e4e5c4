// PyTorch's answer beside ours: the largest differences, and its losses to draw.

import {lossAt} from "../engine/exact.js";

export function compare({trace, problem}, {theta, loss, version}) {
  let inParameters = 0,
    inLoss = 0;
  theta.forEach((row, k) =>
    row.forEach((value, i) => {
      const ours = trace.theta[k * trace.p + i];
      inParameters = Math.max(inParameters, Math.abs(value - ours) / Math.max(1, Math.abs(value)));
    }),
  );
  loss.forEach((value, k) => {
    inLoss = Math.max(inLoss, Math.abs(value - trace.loss[k]) / Math.max(1, value));
  });
  const scale = trace.reduction === "sum" ? problem.moments.n : 1;
  return {inParameters, inLoss, version, loss: theta.map((row) => scale * lossAt(problem.moments, row))};
}
