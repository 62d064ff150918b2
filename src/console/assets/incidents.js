// Incidents: what customers are told of on the hotline. Opened and updated elsewhere; here the open ones are seen.

import { $, badge, el, list, since } from "./dom.js";
import { house } from "./console.js";

const known = new Map();

export function changed(incident) {
  known.set(incident.id, incident);
  show();
}

function show() {
  const open = [...known.values()].filter((incident) => incident.state !== "resolved").sort((a, b) => (a.id < b.id ? 1 : -1));
  list($("incidents"), open, (incident) => incident.id, row);
  $("incidents-part").hidden = open.length === 0;
}

function row(incident) {
  const customers = incident.customers.map((id) => house.customers[id] ?? id);
  const whom = [...customers, ...incident.contracts].join(", ") || "everybody";
  return el("li", {},
    el("div", { class: "line" },
      el("span", { class: "number" }, `#${incident.number}`),
      el("strong", {}, incident.title),
      badge(incident.state)),
    el("p", { class: "soft" }, `for ${whom} · since `, since(incident.opened_at)),
    Object.entries(incident.texts).map(([language, text]) => el("p", {}, `${language}: ${text}`)));
}
