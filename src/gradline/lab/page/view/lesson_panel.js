// A lesson: what to look at, a prediction to make first, and an answer that is computed when the learner asks.

import {LESSONS, solve} from "../engine/lessons.js";
import {button, h} from "./elements.js";
import {short} from "./numbers.js";

export function lessonPanel(lab) {
  const {session, say} = lab,
    lesson = LESSONS.find(({id}) => id === session.lesson);
  if (!lesson) return null;
  const number = LESSONS.indexOf(lesson) + 1,
    name = `${lab.id}-answer`,
    verdict = h("p", {class: "verdict", role: "status"});
  const choices = [0, 1, 2].map((i) =>
    h(
      "label",
      {},
      h("input", {
        type: "radio",
        name,
        value: i,
        onchange: () => {
          check.disabled = false;
        },
      }),
      h("span", {}, say(`${lesson.id}_answer${i}`)),
    ),
  );
  const check = button(
    say("check"),
    () => {
      const picked = choices.findIndex((choice) => choice.firstChild.checked);
      session.checked = {lesson: lesson.id, picked};
      show(session.checked);
    },
    {disabled: true, class: "main"},
  );
  const next = LESSONS[number];
  const onward = h(
    "div",
    {class: "onward"},
    next ? button(say("next_lesson"), () => lab.openLesson(next.id)) : null,
    button(say("leave_lesson"), () => lab.openLesson("")),
  );

  function show({picked}) {
    const {right, values} = solve(lesson),
      text = Object.fromEntries(
        Object.entries(values).map(([key, value]) => [
          key,
          Number.isInteger(value) ? String(value) : short(value, 3),
        ]),
      );
    choices[picked].firstChild.checked = true;
    check.disabled = false;
    choices.forEach((choice, i) => {
      choice.className = i === right ? "right" : i === picked ? "wrong" : "";
    });
    verdict.textContent = `${say(picked === right ? "right" : "wrong")} ${say(`${lesson.id}_why`, text)}`;
  }

  if (session.checked?.lesson === lesson.id) show(session.checked);
  return h(
    "section",
    {class: "lesson", "aria-label": say("lesson")},
    h(
      "div",
      {class: "story"},
      h("h2", {}, `${number}. ${say(`${lesson.id}_title`)}`),
      h("p", {}, say(`${lesson.id}_story`, session.settings)),
    ),
    h("fieldset", {class: "question"}, h("legend", {}, say(`${lesson.id}_question`)), choices, check, verdict),
    onward,
  );
}
