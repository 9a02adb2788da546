"use strict";
// What the page is built with. Every text of the batch becomes a text node: nothing here parses HTML.

const dom = (() => {
  /** An element with a class and children; strings become text nodes, empty children are left out. */
  const el = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };

  /** An element that holds text of the catalogue or the model, in the direction of its own script. */
  const said = (tag, className, ...children) => {
    const node = el(tag, className, ...children);
    node.dir = "auto";
    return node;
  };

  const button = (className, text, action) => {
    const node = el("button", className, text);
    node.type = "button";
    node.addEventListener("click", action);
    return node;
  };

  /** Something to look at that says nothing new to a screen reader. */
  const mute = (node) => {
    node.setAttribute("aria-hidden", "true");
    return node;
  };

  /** The address where it leads to the web, else null: no javascript:, data: or file: link is ever made. */
  const webAddress = (text) => {
    try {
      const url = new URL(text);
      return url.protocol === "https:" || url.protocol === "http:" ? url : null;
    } catch {
      return null;
    }
  };

  /** A link that names the host it leads to, or null where the address is not one of the web. */
  const link = (text, label) => {
    const url = webAddress(text);
    if (!url) return null;
    const node = el("a", "out", `${label} (${url.host})`);
    node.href = url.href;
    node.rel = "noopener noreferrer";
    node.target = "_blank";
    return node;
  };

  /** A hue from 0 to 359 that follows from a text; the golden angle sets neighbours such as p-1 and p-2 far apart. */
  const hue = (text) => {
    let sum = 7;
    for (const char of text) sum = (sum * 31 + char.codePointAt(0)) % 3600;
    return Math.round(sum * 137.508) % 360;
  };

  const find = (text, needle) => {
    const exact = text.indexOf(needle);
    if (exact >= 0) return exact;
    const lower = text.toLowerCase();
    return lower.length === text.length ? lower.indexOf(needle.toLowerCase()) : -1;
  };

  /** The text as nodes, with what the findings found in it marked. */
  const marked = (text, needles) => {
    const nodes = [];
    let rest = text;
    while (rest) {
      const hits = needles.map((needle) => [find(rest, needle), needle]).filter(([at]) => at >= 0);
      if (!hits.length) break;
      hits.sort((a, b) => a[0] - b[0] || b[1].length - a[1].length);
      const [at, needle] = hits[0];
      if (at) nodes.push(rest.slice(0, at));
      nodes.push(el("mark", "", rest.slice(at, at + needle.length)));
      rest = rest.slice(at + needle.length);
    }
    if (rest) nodes.push(rest);
    return nodes;
  };

  const byId = (id) => document.getElementById(id);
  const count = (number, one, many) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

  /** Put a text on the clipboard; pages from a folder may lack the clipboard interface, so there is a second way. */
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = el("textarea", "hidden");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };

  return { el, said, button, mute, link, webAddress, hue, marked, byId, count, copy };
})();
