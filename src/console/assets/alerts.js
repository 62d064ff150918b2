// Alerts: the list, and one of them with everything that happened to it.

import { $, badge, el, list, linked, seconds, time } from "./dom.js";
import { api, attempt, by, house, personName, say } from "./console.js";

const known = new Map();
let ready = false;
let onlyOpen = true;
let shown = null;
let waiting = false;
const SHOWN_MAX = 60;

export function begin() {
  $("show-open").addEventListener("click", () => choose(true));
  $("show-all").addEventListener("click", () => choose(false));
  $("detail-close").addEventListener("click", () => $("detail").close());
  $("detail").addEventListener("close", () => { shown = null; });
  $("detail").addEventListener("click", (event) => {
    if (event.target === $("detail")) $("detail").close();
  });
  $("detail-note").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = $("note-text").value.trim();
    if (text) attempt(async () => {
      await api(`/alerts/${shown}/note`, { text, by: by() });
      $("note-text").value = "";
    });
  });
  $("detail-note").hidden = house.scope !== "write";
}

function choose(open) {
  onlyOpen = open;
  $("show-open").setAttribute("aria-pressed", open);
  $("show-all").setAttribute("aria-pressed", !open);
  show();
  if (!open) attempt(async () => {
    for (const alert of (await api(`/alerts?limit=${SHOWN_MAX}`)).items) known.set(alert.id, alert);
    show();
  });
}

export function changed(alert) {
  if (ready && !known.has(alert.id)) say(`New alert ${alert.number}: ${alert.title}`);
  known.set(alert.id, alert);
  if (ready) show();
  if (shown === alert.id) reload();
}

export function told(entry) {
  if (shown && entry.alert === shown) reload();
}

export function tried(attempt) {
  if (shown && attempt.alert === shown) reload();
}

export function show() {
  ready = true;
  const all = [...known.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  const open = all.filter((alert) => alert.state !== "resolved").sort(byNeed);
  const items = onlyOpen ? open : all.slice(0, SHOWN_MAX);
  list($("alerts"), items, (alert) => alert.id, card);
  $("quiet").hidden = items.length > 0;
  $("open-count").textContent = open.length;
  document.title = open.length ? `(${open.length}) Pikett` : "Pikett";
}

/** What nobody has taken comes first, then what is more urgent, then what is newer. */
function byNeed(a, b) {
  const need = (alert) => (alert.state === "triggered" ? "0" : "1") + alert.priority;
  return need(a) < need(b) ? -1 : need(a) > need(b) ? 1 : a.id < b.id ? 1 : -1;
}

function card(alert) {
  return el("li", { class: `card ${alert.state}` },
    el("div", { class: "line" },
      el("span", { class: "number" }, `#${alert.number}`),
      el("span", { class: `badge ${alert.priority}` }, alert.priority),
      badge(alert.state, "state"),
      alert.category && el("span", { class: "badge" }, alert.category),
      alert.count > 1 && el("span", { class: "badge" }, `${alert.count} times`)),
    el("h3", {}, el("button", { "data-act": "open", onclick: () => open(alert.id) }, alert.title)),
    el("p", { class: "soft" }, [customer(alert), source(alert), `since ${time(alert.opened_at)}`].filter(Boolean).join(" · ")),
    el("p", {}, standing(alert)),
    el("div", { class: "actions" }, buttons(alert)));
}

function customer(alert) {
  return alert.customer && (house.customers[alert.customer] ?? alert.customer);
}

function source(alert) {
  const [kind, id] = alert.source.split(":");
  return { call: "by phone", integration: `from ${id}`, operator: "by hand", pikett: "from Pikett itself" }[kind] ?? alert.source;
}

/** Who has it, or who is being told. */
function standing(alert) {
  if (alert.state === "resolved") return `Resolved by ${personName(alert.resolved_by)} at ${time(alert.resolved_at)}.`;
  if (alert.state === "acknowledged") {
    return `${personName(alert.acknowledged_by)} has it since ${time(alert.acknowledged_at)}.`;
  }
  if (alert.level === null) return "About to tell the first level.";
  const round = alert.round > 0 ? `, round ${alert.round + 1}` : "";
  return `Nobody has taken it yet; level ${alert.level}${round} is being told.`;
}

function buttons(alert) {
  if (house.scope !== "write" || alert.state === "resolved") return [];
  const act = (deed) => () => attempt(() => api(`/alerts/${alert.id}/${deed}`, { by: by() }));
  return [
    alert.state === "triggered" &&
      el("button", { class: "primary", "data-act": "acknowledge", onclick: act("acknowledge") }, "Acknowledge"),
    el("button", { "data-act": "escalate", onclick: act("escalate") }, "Escalate"),
    el("button", { "data-act": "resolve", onclick: act("resolve") }, "Resolve"),
  ];
}

export function open(id) {
  shown = id;
  attempt(async () => {
    await load();
    if (!$("detail").open) $("detail").showModal();
  });
}

/** Soon, and once for many events. */
export function reload() {
  if (!shown || waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    if (shown) attempt(load);
  }, 150);
}

async function load() {
  const id = shown;
  const story = await api(`/alerts/${id}/timeline`);
  if (shown !== id) return;
  const alert = story.alert;
  $("detail-title").textContent = `#${alert.number} ${alert.title}`;
  $("detail-facts").replaceChildren(
    el("span", { class: `badge ${alert.priority}` }, alert.priority), badge(alert.state, "state"),
    ...[customer(alert), alert.contract && `contract ${alert.contract}`, alert.policy && `policy ${alert.policy}`,
      source(alert), `SMS code ${alert.code}`].filter(Boolean).map((fact) => el("span", {}, fact)));
  $("detail-actions").replaceChildren(...buttons(alert).filter(Boolean));
  list($("detail-timeline"), story.timeline, (entry) => entry.id, entryItem);
  $("detail-told").replaceChildren(...story.notifications.map(duty), ...(story.attempts.length
    ? [el("div", { class: "duty" }, el("p", {}, "Beside these"), tries(story.attempts))] : []));
  if (!story.notifications.length && !story.attempts.length) {
    $("detail-told").append(el("p", { class: "soft" }, "Nobody yet."));
  }
}

function entryItem(entry) {
  return el("li", { class: `kind-${entry.kind}` }, el("time", { datetime: entry.at }, time(entry.at)), el("p", {}, entry.text));
}

function duty(told) {
  return el("div", { class: "duty" },
    el("p", {}, el("strong", {}, personName(told.person)), ` at level ${told.level}, from ${time(told.started_at)}`),
    el("p", { class: "soft" }, told.reason),
    tries(told.attempts));
}

function tries(attempts) {
  return el("ul", { class: "tries" }, attempts.map((attempt) => el("li", {},
    badge(attempt.state),
    el("span", {}, attempt.channel, " to ", attempt.person && attempt.kind !== "page" ? `${personName(attempt.person)}, ` : "", attempt.to),
    attempt.kind !== "page" && el("span", { class: "soft" }, attempt.kind),
    el("span", { class: "soft" }, time(attempt.sent_at ?? attempt.due_at)),
    attempt.latency_ms !== null && el("span", { class: "soft" }, `in ${seconds(attempt.latency_ms)}`),
    attempt.code && el("span", { class: "badge failed" }, attempt.code),
    attempt.message && el("span", { class: "soft" }, linked(attempt.message)))));
}
