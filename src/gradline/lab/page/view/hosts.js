// Where the lab may live: a page of its own, saved or served, and a widget in a notebook (anywidget's protocol).

import {Lab} from "./lab.js";

const SETTLED = 250; // milliseconds without a change before an address or a notebook is told

/** The page's text with something else that it is given; markup within that stays text. */
function pageWith(text, given) {
  const json = JSON.stringify(given).replaceAll("<", "\\u003c");
  return text.replace(/(?<=id="gradline-given">)[^<]*/, () => json);
}

/** Fill a page, once its title is painted: its state stands in its address, or else in what it was saved with. */
export function openPage() {
  const given = JSON.parse(document.getElementById("gradline-given").textContent);
  // It is the page as it was written: page.html has no blanks where a browser would drop or move them.
  const text = `<!doctype html>\n${document.documentElement.outerHTML}`;
  let timer = null,
    told = null;
  const options = {
    given: given.given ?? null,
    lang: given.lang,
    address: location.hash.slice(1) || given.address || "",
    page: async (state) => pageWith(text, state),
    verify: given.verify
      ? async (request) => {
          const answer = await fetch(given.verify, {
            method: "POST",
            headers: {"content-type": "application/json"},
            body: JSON.stringify(request),
          });
          return answer.json();
        }
      : null,
    changed: (lab) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        told = lab.address();
        document.documentElement.lang = lab.lang;
        // A frame within a report has no address of its own.
        if (location.protocol !== "about:" && location.hash.slice(1) !== told) history.replaceState(null, "", `#${told}`);
      }, SETTLED);
    },
  };
  let lab = new Lab(document.getElementById("gradline-lab"), options);
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) === told) return;
    lab.destroy();
    lab = new Lab(document.getElementById("gradline-lab"), {...options, address: location.hash.slice(1)});
  });
  return lab;
}

/** anywidget: settings and results go to Python when they have settled, and settings come back from it. */
function render({model, el}) {
  let timer = null,
    asked = 0,
    told = model.get("address");
  const waiting = new Map();
  const verify = (request) =>
    new Promise((resolve) => {
      waiting.set(++asked, resolve);
      model.send({verify: request, id: asked});
    });
  const answered = (message) => {
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  };
  const changed = (lab) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      told = lab.address();
      const {points, own, now, lesson} = lab.session;
      model.set("address", told);
      model.set("settings", {...now, lesson, edited: points !== null, own});
      model.set("result", lab.result());
      model.save_changes();
    }, SETTLED);
  };
  const open = () =>
    new Lab(el, {
      address: model.get("address"),
      given: model.get("given"),
      lang: model.get("lang"),
      verify,
      changed,
      page: async (state) => {
        const module = await (await fetch(import.meta.url)).text();
        return pageWith(model.get("template").replace("{{module}}", () => module), state);
      },
    });
  let lab = open();
  const moved = () => {
    if (model.get("address") === told) return;
    told = model.get("address");
    lab.destroy();
    lab = open();
  };
  model.on("msg:custom", answered);
  model.on("change:address", moved);
  return () => {
    clearTimeout(timer);
    model.off("msg:custom", answered);
    model.off("change:address", moved);
    lab.destroy();
  };
}

export default {render};
