// The state as a program: what PyTorch runs to get the same numbers, as a script and as a notebook.

/** The script, in its sections: imports and data, model and optimizer, the loop, what it prints at the end. */
export function sectionsOf(session) {
  const {problem, settings, trace, plan} = session;
  const exact = !session.points && settings.noise === 0;
  const data = exact ? drawn(settings) : literal(problem);
  const start =
    exact && settings.init === "linear"
      ? []
      : [
          "with torch.no_grad():",
          `    model.weight.fill_(${problem.start[0]})`,
          `    model.bias.fill_(${problem.start[1]})`,
        ];
  const reduction = settings.reduction === "sum" ? 'reduction="sum"' : "";
  const {lr, momentum} = plan[0];
  return [
    ["import torch", "from torch import nn, optim", "", ...data],
    [
      "model = nn.Linear(1, 1).double()",
      ...start,
      `loss_fn = nn.MSELoss(${reduction})`,
      `optimizer = optim.SGD(model.parameters(), lr=${lr}${momentum ? `, momentum=${momentum}` : ""})`,
    ],
    loop(session, trace),
    [
      'print(f"at the end: w = {model.weight.item():.10g}, b = {model.bias.item():.10g}, "',
      '      f"loss = {loss_fn(model(x), y).item():.10g}")',
    ],
  ];
}

export function scriptOf(session) {
  const note = "# From the gradline lab: this run in PyTorch, in float64, so that its digits are those of the lab.";
  return `${note}\n${sectionsOf(session)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n")}`;
}

export function notebookOf(session) {
  const cells = sectionsOf(session).map((lines, i) => ({
    cell_type: "code",
    execution_count: null,
    id: `cell-${i}`,
    metadata: {},
    outputs: [],
    source: lines.map((line, k) => (k < lines.length - 1 ? `${line}\n` : line)),
  }));
  return JSON.stringify({cells, metadata: {}, nbformat: 4, nbformat_minor: 5}, null, 1);
}

/** What "check with PyTorch" asks for: numbers and options, never code. */
export function requestOf({problem, settings, trace, plan}) {
  return {
    x: [...problem.x],
    y: [...problem.y],
    start: [...problem.start],
    seed: settings.seed,
    batch: trace.whole ? 0 : settings.batch,
    reduction: settings.reduction,
    steps: trace.steps,
    plan,
  };
}

function drawn({seed, n, low, high, slope, intercept, center}) {
  return [
    `torch.manual_seed(${seed})`,
    `x = nn.init.uniform_(torch.zeros(${n}, 1), ${low}, ${high}).double()`,
    `noise = nn.init.normal_(torch.zeros(${n}, 1), std=1)  # drawn before the model, as in the notebook`,
    `y = ${slope} * x + ${intercept}`,
    ...(center ? ["x = x - x.mean()"] : []),
  ];
}

function literal({x, y}) {
  const column = (values) => `torch.tensor(${wrapped([...values])}, dtype=torch.float64).unsqueeze(1)`;
  return [`x = ${column(x)}`, `y = ${column(y)}`];
}

function wrapped(values) {
  const lines = [];
  for (let i = 0; i < values.length; i += 5) lines.push(`    ${values.slice(i, i + 5).join(", ")},`);
  return `[\n${lines.join("\n")}\n]`;
}

function loop({settings, plan, step}, trace) {
  const {whole, epochs} = trace,
    indent = " ".repeat(whole ? 4 : 8),
    rows = whole ? "" : "[rows]";
  const shown = step % 100 ? ` or step == ${step}` : "";
  const body = [
    ...plan
      .slice(1)
      .flatMap(({from, lr, momentum}) => [
        `if step == ${from}:`,
        `    optimizer.param_groups[0].update(lr=${lr}, momentum=${momentum})`,
      ]),
    ...(whole
      ? []
      : [`if step % 100 == 0${shown}:`, '    print(f"step {step}: loss = {loss_fn(model(x), y).item():.10g}")']),
    ...zeroing(plan, "top"),
    `pred = model(x${rows})`,
    `loss = loss_fn(pred, y${rows})`,
    ...zeroing(plan, "before"),
    "loss.backward()",
    ...zeroing(plan, "between"),
    "optimizer.step()",
    ...zeroing(plan, "after"),
    ...(whole
      ? [`if step % 100 == 0${shown}:`, '    print(f"step {step}: loss = {loss.item():.10g}")']
      : ["step += 1"]),
  ].map((line) => indent + line);
  if (whole) return [`for step in range(${trace.lost ? trace.steps : epochs}):`, ...body];
  return [
    "step = 0",
    `order = torch.Generator().manual_seed(${settings.seed})`,
    `for epoch in range(${epochs}):`,
    `    for rows in torch.randperm(len(x), generator=order).split(${settings.batch}):`,
    ...body,
  ];
}

/** zero_grad() in one of its places, for the steps in which it stands there. */
function zeroing(plan, place) {
  if (plan.every(({zero}) => zero !== place)) return [];
  if (plan.every(({zero}) => zero === place)) return ["optimizer.zero_grad()"];
  const spans = plan.flatMap(({from, zero}, i) => {
    if (zero !== place) return [];
    const to = plan[i + 1]?.from;
    return [to === undefined ? `step >= ${from}` : `${from} <= step < ${to}`];
  });
  return [`if ${spans.join(" or ")}:`, "    optimizer.zero_grad()"];
}
