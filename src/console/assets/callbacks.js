// Callbacks: what customers were promised and is not kept yet. Whoever has it in hand is rung, and then the customer.

import { $, badge, el, list, since, time } from "./dom.js";
import { api, attempt, by, house, personName, say } from "./console.js";
import { open } from "./detail.js";

const known = new Map();
let ready = false;

export function changed(callback) {
  const before = known.get(callback.id);
  known.set(callback.id, callback);
  if (ready && !before) say(`A callback was promised by ${time(callback.due_at)}: ${callback.title}`);
  if (ready && before?.state === "promised" && callback.state !== "promised") say(`Callback ${callback.alert_number} is ${callback.state}`);
  if (ready) show();
}

export function show() {
  ready = true;
  const promised = [...known.values()].filter((callback) => callback.state === "promised");
  promised.sort((a, b) => (a.due_at < b.due_at ? -1 : a.due_at > b.due_at ? 1 : 0));
  list($("callbacks"), promised, (callback) => callback.id, row);
  $("callbacks-part").hidden = promised.length === 0;
}

function row(callback) {
  const customer = callback.customer && (house.customers[callback.customer] ?? callback.customer);
  return el("li", {},
    el("div", { class: "line" },
      el("span", { class: "number" }, `#${callback.alert_number}`),
      badge(callback.priority),
      el("strong", {}, customer ?? callback.number),
      callback.overdue > 0 && badge("failed", "overdue")),
    el("p", {}, "Promised by ", el("strong", {}, time(callback.due_at)), customer ? ` at ${callback.number}.` : "."),
    el("p", { class: "soft" }, callback.acknowledged_by
      ? `${personName(callback.acknowledged_by)} has it. ` : "Nobody has taken it yet. ", "Asked for ", since(callback.created_at)),
    el("div", { class: "actions" }, buttons(callback)));
}

function buttons(callback) {
  const path = `/callbacks/${callback.id}`;
  const shown = el("button", { class: "link", "data-act": "alert", onclick: () => open(callback.alert_number) }, "Show its alert");
  if (house.scope !== "write") return [shown];
  // Who acts here as a person is rung; else whoever has taken it. Asked at the click: the choice may change.
  const person = () => (house.people.has(by()) ? by() : undefined);
  return [
    el("button", { class: "primary", "data-act": "call", title: "rings you, or whoever has taken it, and then the customer",
      onclick: () => attempt(() => api(`${path}/call`, { person: person(), by: by() })) }, "Call back"),
    el("button", { "data-act": "done", onclick: () => attempt(() => api(`${path}/done`, { by: by() })) }, "Done"),
    shown,
  ];
}
