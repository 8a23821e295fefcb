// Elements are made by calls. Text is always text: nothing on this page parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Make an HTML element: h("p", { class: "soft" }, "text", another, null). A function is a listener, a boolean a flag. */
export function h(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** Make an SVG element in the same way. */
export function s(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

/** Put these children into an element in place of what is there. */
export function put(element, ...children) {
  element.replaceChildren(...given(children));
  return element;
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  element.append(...given(children));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined) return;
  if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
  else if (typeof value === "boolean" && !name.startsWith("aria-")) element.toggleAttribute(name, value);
  else if (name === "value" && "value" in element) element.value = value;
  else element.setAttribute(name, value);
}

function given(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

let last = 0;

/** Return an id that no other element of the page has. */
export function freshId(word) {
  last += 1;
  return `${word}-${last}`;
}
