// Calls, live and recent, and who is on call now.

import { $, badge, el, list, seconds, time } from "./dom.js";
import { api, attempt, house, personName } from "./console.js";
import { open } from "./alerts.js";

const known = new Map();
const SHOWN_MAX = 12;
/** Declarations may change without an event. */
const LOOK_MS = 60_000;
let look = null;

export function begin() {
  onCall();
}

export function changed(call) {
  const fresh = !known.has(call.id);
  known.set(call.id, call);
  if (!fresh || known.size > 1) show();
}

export function show() {
  const newest = [...known.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, SHOWN_MAX);
  list($("calls"), newest, (call) => call.id, row);
}

const DOING = {
  ivr: "in the menu", recording: "leaving a voicemail", waiting: "waiting", leaving: "waiting", accepted: "being connected",
  bridged: "talking", away: "forwarded", ended: "ending",
};

function row(call) {
  const customer = call.customer && (house.customers[call.customer] ?? call.customer);
  const from = call.from ?? "withheld number";
  return el("li", {},
    el("div", { class: "line" },
      el("strong", {}, customer ?? from),
      call.outcome ? badge(call.outcome) : el("span", { class: `badge ${call.phase}` }, DOING[call.phase] ?? call.phase)),
    el("p", { class: "soft" }, [
      customer && from, call.verified ? "verified" : null, call.category, call.priority, time(call.started_at),
      call.answered_by && `answered by ${personName(call.answered_by)}`,
      call.waited_ms > 0 && `after ${seconds(call.waited_ms)}`,
    ].filter(Boolean).join(" · ")),
    call.legs.length > 0 && el("ul", { class: "legs" }, call.legs.map((leg) => el("li", {},
      personName(leg.person), " ", badge(leg.result ?? leg.state, leg.state), " ", el("span", { class: "soft" }, leg.reason)))),
    call.alert && el("p", {}, el("button", { class: "ghost", "data-act": "alert", onclick: () => open(call.alert) }, "Its alert")));
}

/** Shown now, and again when the answer changes. */
function onCall() {
  clearTimeout(look);
  attempt(async () => {
    const { items } = await api("/oncall");
    list($("oncall"), items, (schedule) => schedule.schedule, schedule);
    const waits = items.filter((item) => item.until).map((item) => new Date(item.until) - new Date(item.at));
    look = setTimeout(onCall, Math.max(1_000, Math.min(LOOK_MS, ...waits)));
  });
  look = setTimeout(onCall, LOOK_MS);
}

function schedule(now) {
  const people = now.people.map((person) => person.name).join(", ");
  return el("li", {},
    el("div", { class: "line" },
      el("strong", {}, people || "Nobody"),
      people ? el("span", { class: "soft" }, now.schedule) : el("span", { class: "badge failed" }, now.schedule)),
    el("p", { class: "soft" }, [
      now.people.map((person) => `by ${person.why}`).join("; "),
      now.until ? `until ${time(now.until, now.at)}` : null,
    ].filter(Boolean).join(", ")));
}
