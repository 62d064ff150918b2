// Alerts: the list. One of them with everything that happened to it is in detail.js.

import { $, badge, el, list, since, time } from "./dom.js";
import { api, attempt, by, house, personName, say } from "./console.js";
import * as detail from "./detail.js";

const known = new Map();
/** Who was paged for an alert: its id → their ids. */
const paged = new Map();
let ready = false;
let onlyOpen = true;
/** Where the next older page begins; `null` before the first and after the last one. */
let older = null;
const PAGE = 50;
/** How long a button asks back before it forgets that it was pressed. */
const SURE_MS = 4_000;

export function begin() {
  $("show-open").addEventListener("click", () => choose(true));
  $("show-all").addEventListener("click", () => choose(false));
  $("older").addEventListener("click", () => attempt(load));
  detail.begin();
}

function choose(open) {
  onlyOpen = open;
  $("show-open").setAttribute("aria-pressed", open);
  $("show-all").setAttribute("aria-pressed", !open);
  older = null;
  show();
  if (!open) attempt(load);
}

async function load() {
  const page = await api(`/alerts?limit=${PAGE}${older ? `&cursor=${older}` : ""}`);
  older = page.next;
  for (const alert of page.items) known.set(alert.id, alert);
  show();
}

export function changed(alert) {
  if (ready && !known.has(alert.id)) say(`New alert ${alert.number}: ${alert.title}`);
  known.set(alert.id, alert);
  if (ready) show();
  detail.touched(alert.id);
}

export function told(entry) {
  detail.touched(entry.alert);
}

export function tried(attempt) {
  if (attempt.kind === "page" && attempt.person && ["sent", "delivered", "unknown"].includes(attempt.state)) {
    const people = paged.get(attempt.alert) ?? new Set();
    const before = people.size;
    paged.set(attempt.alert, people.add(attempt.person));
    if (ready && people.size > before) show();
  }
  detail.touched(attempt.alert);
}

export function show() {
  ready = true;
  const all = [...known.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  const open = all.filter((alert) => alert.state !== "resolved").sort(byNeed);
  const items = onlyOpen ? open : all;
  list($("alerts"), items.map(withPaged), (alert) => alert.id, card);
  $("quiet").hidden = items.length > 0;
  $("quiet-open").hidden = !onlyOpen;
  $("older").hidden = onlyOpen || !older;
  $("open-count").textContent = open.length;
  const untaken = open.filter((alert) => alert.state === "triggered").length;
  document.title = untaken ? `(${untaken}) Pikett` : "Pikett";
}

/** What nobody has taken comes first, then what is more urgent, then what is newer. */
function byNeed(a, b) {
  const need = (alert) => (alert.state === "triggered" ? "0" : "1") + alert.priority;
  return need(a) < need(b) ? -1 : need(a) > need(b) ? 1 : a.id < b.id ? 1 : -1;
}

function withPaged(alert) {
  return { ...alert, paged: [...paged.get(alert.id) ?? []] };
}

function card(alert) {
  return el("li", { class: `card ${alert.state}` },
    el("div", { class: "line" },
      el("span", { class: "number" }, `#${alert.number}`),
      badge(alert.priority),
      badge(alert.state),
      alert.category && el("span", { class: "badge" }, alert.category),
      alert.count > 1 && el("span", { class: "badge" }, `${alert.count} times`)),
    el("h3", {}, el("button", { "data-act": "open", onclick: () => detail.open(alert.number) }, alert.title)),
    el("p", { class: "soft" }, [customer(alert), source(alert)].filter(Boolean).join(" · "), " · since ",
      alert.state === "resolved" ? time(alert.opened_at) : since(alert.opened_at)),
    el("p", {}, standing(alert)),
    el("div", { class: "actions" }, buttons(alert)));
}

export function customer(alert) {
  return alert.customer && (house.customers[alert.customer] ?? alert.customer);
}

export function source(alert) {
  const [kind, id] = alert.source.split(":");
  return { call: "by phone", integration: `from ${id}`, operator: "by hand", pikett: "from Pikett itself" }[kind] ?? alert.source;
}

/** Who has it, or who is being told. */
export function standing(alert) {
  if (alert.state === "resolved") return `Resolved by ${personName(alert.resolved_by)} at ${time(alert.resolved_at)}.`;
  if (alert.state === "acknowledged") {
    return `${personName(alert.acknowledged_by)} has it since ${time(alert.acknowledged_at)}.`;
  }
  if (alert.waits_until) {
    return `Waits until ${time(alert.waits_until)}, when the hours of its contract begin. Nobody is told before.`;
  }
  if (alert.level === null) return "Nobody has taken it yet. The first level is about to be told.";
  const level = `level ${alert.level}${alert.round > 0 ? `, round ${alert.round + 1}` : ""}`;
  const people = alert.paged ?? [...paged.get(alert.id) ?? []];
  return people.length
    ? `Nobody has taken it yet. Paged so far: ${people.map(personName).join(", ")} (now at ${level}).`
    : `Nobody has taken it yet. Telling ${level}.`;
}

export function buttons(alert) {
  if (house.scope !== "write" || alert.state === "resolved") return [];
  const act = (deed) => attempt(() => api(`/alerts/${alert.id}/${deed}`, { by: by() }));
  return [
    alert.state === "triggered" &&
      el("button", { class: "primary", "data-act": "acknowledge", onclick: () => act("acknowledge") }, "Acknowledge"),
    el("button", { "data-act": "escalate", onclick: () => act("escalate") }, "Escalate"),
    el("button", { "data-act": "resolve", onclick: ({ currentTarget }) => {
      // What somebody has looked at may be over; what nobody has taken is rarely.
      if (alert.state === "acknowledged" || currentTarget.classList.contains("sure")) act("resolve");
      else askBack(currentTarget, "Really over? Resolve");
    } }, "Resolve"),
  ].filter(Boolean);
}

function askBack(button, question) {
  const words = button.textContent;
  button.textContent = question;
  button.classList.add("sure");
  setTimeout(() => {
    button.textContent = words;
    button.classList.remove("sure");
  }, SURE_MS);
}
