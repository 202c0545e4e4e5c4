// A picture with two axes on a canvas: scales, ticks, and where a pointer is in the units of the data.

import {watcher} from "../engine/changes.js";
import {h} from "./elements.js";
import {plain} from "./numbers.js";

const LEFT = 46,
  BOTTOM = 30,
  TOP = 10,
  RIGHT = 18,
  NEAR = 0.4; // pixels

export class Plot {
  constructor(lab, props) {
    this.lab = lab;
    this.canvas = h("canvas", {"aria-hidden": "true"});
    this.element = h("div", {class: "plot", ...props}, this.canvas);
    this.layers = {};
  }

  /** How large the picture is; asked of all pictures before anything is written, or the browser lays out each time. */
  measure() {
    const {clientWidth, clientHeight} = this.element;
    Object.assign(this, {width: clientWidth, height: clientHeight, dense: window.devicePixelRatio || 1});
  }

  /** Clear, and set the ranges; with `log` y is drawn on a logarithmic scale. */
  begin(x, y, {log = false} = {}) {
    const {width, height} = this;
    Object.assign(this, {x, y, log, colours: this.lab.colours, pen: this.cleared(this.canvas)});
    this.box = [LEFT, TOP, Math.max(width - LEFT - RIGHT, 1), Math.max(height - TOP - BOTTOM, 1)];
    this.scale = log ? Math.log10 : Number;
    this.ends = y.map(this.scale);
  }

  /** The pen of a canvas, which is brought to the size of the picture and emptied. */
  cleared(canvas) {
    const {width, height, dense} = this,
      [across, down] = [width, height].map((size) => Math.round(size * dense)),
      pen = canvas.getContext("2d");
    if (canvas.width !== across) canvas.width = across;
    if (canvas.height !== down) canvas.height = down;
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.clearRect(0, 0, width, height);
    return pen;
  }

  /** Draw what is the same in most frames: it is kept as a picture until the size, the colours or `of` change. */
  kept(name, of, draw) {
    const {canvas, dense, pen, colours, x, y} = this,
      layer = (this.layers[name] ??= {canvas: h("canvas"), another: watcher()});
    if (layer.another(canvas.width, canvas.height, dense, colours, ...x, ...y, ...of)) {
      this.pen = this.cleared(layer.canvas);
      draw();
      this.pen = pen;
    }
    if (canvas.width && canvas.height) pen.drawImage(layer.canvas, 0, 0, this.width, this.height);
  }

  px(value) {
    const [left, , width] = this.box;
    return left + (width * (value - this.x[0])) / (this.x[1] - this.x[0]);
  }

  py(value) {
    const [, top, , height] = this.box,
      [low, high] = this.ends;
    return top + height * (1 - (this.scale(value) - low) / (high - low));
  }

  /** Where an event of the pointer is, in units of the data. */
  where(event) {
    const place = this.canvas.getBoundingClientRect(),
      [left, top, width, height] = this.box;
    const at = [event.clientX - place.left, event.clientY - place.top];
    return {
      at,
      x: this.x[0] + ((this.x[1] - this.x[0]) * (at[0] - left)) / width,
      y: this.y[0] + (this.y[1] - this.y[0]) * (1 - (at[1] - top) / height),
      inside: at[0] >= left && at[0] <= left + width && at[1] >= top && at[1] <= top + height,
    };
  }

  axes(xName, yName) {
    const {
      pen,
      colours,
      box: [left, top, width, height],
    } = this;
    pen.font = `11px ${colours.font}`;
    pen.lineWidth = 1;
    for (const value of ticks(...this.x, width / 70)) {
      this.stroke(colours.grid, 1, [
        [this.px(value), top],
        [this.px(value), top + height],
      ]);
      this.text(plain(value), this.px(value), top + height + 14, "center");
    }
    for (const value of this.log ? powers(...this.y, height / 26) : ticks(...this.y, height / 40)) {
      this.stroke(colours.grid, 1, [
        [left, this.py(value)],
        [left + width, this.py(value)],
      ]);
      this.text(this.log ? power(value) : plain(value), left - 6, this.py(value) + 4, "right");
    }
    this.text(xName, left + width, top + height + 26, "right");
    this.text(yName, 4, top + 8, "left");
  }

  text(text, x, y, align = "left", colour = this.colours.muted) {
    const {pen} = this;
    pen.textAlign = align;
    pen.lineWidth = 3;
    pen.strokeStyle = this.colours.panel;
    pen.strokeText(text, x, y);
    pen.fillStyle = colour;
    pen.fillText(text, x, y);
  }

  /** A line through points in pixels, without those that no eye tells from the one before. */
  stroke(colour, width, points, dash = []) {
    const {pen} = this;
    let last = [Infinity, 0];
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.beginPath();
    points.forEach(([x, y], i) => {
      if (Math.abs(x - last[0]) + Math.abs(y - last[1]) < NEAR && i < points.length - 1) return;
      pen.lineTo(x, y);
      last = [x, y];
    });
    pen.stroke();
    pen.setLineDash([]);
  }

  dot(x, y, radius, fill, edge = null, width = 1.5) {
    const {pen} = this;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    if (fill) {
      pen.fillStyle = fill;
      pen.fill();
    }
    if (edge) {
      pen.strokeStyle = edge;
      pen.lineWidth = width;
      pen.stroke();
    }
  }

  arrow(from, to, colour, width = 2) {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]],
      length = Math.hypot(dx, dy);
    if (length < 3) return;
    const head = Math.min(8, length / 2),
      [ux, uy] = [dx / length, dy / length];
    const neck = [to[0] - head * ux, to[1] - head * uy];
    this.stroke(colour, width, [from, neck]);
    const {pen} = this;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(...to);
    pen.lineTo(neck[0] - head * 0.45 * uy, neck[1] + head * 0.45 * ux);
    pen.lineTo(neck[0] + head * 0.45 * uy, neck[1] - head * 0.45 * ux);
    pen.fill();
  }

  /** Draw only within the axes. */
  within(draw) {
    const {pen} = this;
    pen.save();
    pen.beginPath();
    pen.rect(...this.box);
    pen.clip();
    draw();
    pen.restore();
  }
}

/** Round numbers from low to high, about `count` of them. */
export function ticks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1),
    ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((size) => size * ten >= rough) * ten,
    found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found;
}

function powers(low, high, count) {
  const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  const step = Math.max(1, Math.ceil((last - first + 1) / Math.max(count, 1)));
  const found = [];
  for (let i = Math.ceil(first / step) * step; i <= last; i += step) found.push(10 ** i);
  return found;
}

function power(value) {
  const exponent = Math.round(Math.log10(value));
  if (exponent >= -2 && exponent <= 4) return String(Number(value.toPrecision(1)));
  return `10${[...String(exponent)].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("")}`;
}

/** A range a little wider than the values. */
export function padded(low, high, share = 0.08) {
  const width = high - low || Math.abs(high) || 1;
  return [low - share * width, high + share * width];
}
