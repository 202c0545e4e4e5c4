// HTML elements from plain calls. Text always arrives as text: nothing that a file or an address says is markup.

/** An element with attributes, listeners (on…) and children; null children are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === false || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set what an element says where it says something else: the browser lays out anew whatever is set. */
export function mark(element, text, attribute = null) {
  if (attribute !== null) {
    if (element.getAttribute(attribute) !== String(text)) element.setAttribute(attribute, text);
  } else if (element.textContent !== text) element.textContent = text;
}

export function button(label, action, props = {}) {
  return h("button", {type: "button", onclick: action, ...props}, label);
}

/** A choice of few, as radio buttons that look like one control. */
export function segments(label, choices, chosen, choose) {
  const name = `choice-${Math.random().toString(36).slice(2)}`;
  const inputs = choices.map(([value]) =>
    h("input", {type: "radio", name, value, checked: value === chosen(), onchange: () => choose(value)}),
  );
  const element = h(
    "div",
    {class: "segments", role: "radiogroup", "aria-label": label},
    choices.map(([, text], i) => h("label", {}, inputs[i], h("span", {}, text))),
  );
  const show = () =>
    inputs.forEach((input) => {
      input.checked = input.value === chosen();
    });
  return {element, show};
}

export function checkbox(label, checked, choose, props = {}) {
  const input = h("input", {type: "checkbox", checked: checked(), onchange: () => choose(input.checked), ...props});
  return {
    element: h("label", {class: "check"}, input, h("span", {}, label)),
    show: () => {
      input.checked = checked();
    },
  };
}

/** Offer a text as a file to keep. */
export function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], {type}));
  h("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
