// Playing: the cursor moved on by the clock, as smoothly as the learner and the run allow.

import {LINES} from "../engine/descent.js";

const CALM_FRAMES = 3; // a second

export class Player {
  constructor(lab) {
    Object.assign(this, {lab, playing: false, speed: 35});
    this.reduced = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** Steps a second of the speed slider: from a line a second to thousands of steps. */
  rate() {
    return 0.2 * 25000 ** (this.speed / 100);
  }

  /** Pictures that leap can harm people who are sensitive to flashing: then three a second, whole steps each. */
  get calm() {
    return this.reduced.matches || this.lab.session.trace.lost;
  }

  toggle() {
    const {lab} = this,
      {session} = lab;
    if (this.playing) {
      this.stop();
      lab.announce(lab.status());
      return;
    }
    if (session.cursor >= session.last) session.seek(0);
    this.playing = true;
    let before = performance.now(),
      exactly = session.cursor,
      shown = exactly;
    const frame = (now) => {
      if (!this.playing) return;
      const seconds = Math.min((now - before) / 1000, 0.5);
      if (!this.calm || seconds >= 1 / CALM_FRAMES) {
        before = now;
        if (session.cursor !== shown) exactly = session.cursor; // moved by hand
        exactly += seconds * this.rate() * LINES;
        const whole = this.calm || this.rate() > CALM_FRAMES,
          cursor = whole ? Math.floor(exactly / LINES) * LINES : Math.floor(exactly);
        if (cursor !== session.cursor) session.seek(cursor);
        shown = session.cursor;
      }
      if (session.cursor < session.last) {
        requestAnimationFrame(frame);
        return;
      }
      this.stop();
      lab.announce(lab.status());
    };
    requestAnimationFrame(frame);
    lab.refresh();
  }

  stop() {
    this.playing = false;
    this.lab.refresh();
  }
}
