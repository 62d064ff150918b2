// Contact methods to which nothing gets any more: whose, why, and a button to use one again.

import { $, badge, el, list, since } from "./dom.js";
import { api, attempt, by, house, personName, say } from "./console.js";

/** Events tell of alerts alone; an apply may take marks away without one. */
const LOOK_MS = 60_000;

export function begin() {
  attempt(look, "marks");
  setInterval(() => attempt(look, "marks"), LOOK_MS);
}

/** A mark comes and goes with an alert for the house itself. */
export function heard(alert) {
  if (alert.source === "pikett") attempt(look, "marks");
}

async function look() {
  const { items } = await api("/marks");
  list($("marks"), items, (mark) => `${mark.person}/${mark.method}`, row);
  $("marks-part").hidden = items.length === 0;
}

function row(mark) {
  return el("li", {},
    el("div", { class: "line" },
      el("strong", {}, personName(mark.person)),
      badge(mark.channel)),
    el("p", { class: "soft" }, `${mark.method}, ${mark.address} · since `, since(mark.at)),
    el("p", {}, mark.why),
    house.scope === "write" && el("p", {},
      el("button", { class: "link", "data-act": "clear", onclick: () => attempt(() => clear(mark)) }, "Use it again")));
}

async function clear(mark) {
  const { changed } = await api(`/marks/${mark.person}/${mark.method}/clear`, { by: by() });
  say(changed ? `${mark.method} of ${personName(mark.person)} is used again` : "It was not marked any more");
  await look();
}
