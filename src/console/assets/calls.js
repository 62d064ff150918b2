// Calls, live and recent, and who is on call now.

import { $, badge, el, list, seconds, since, time } from "./dom.js";
import { api, attempt, house, personName } from "./console.js";
import { open } from "./detail.js";

const known = new Map();
let shown = 10;
/** Where the next older page begins: unknown until it was asked for once, `null` after the last one. */
let older;
const MORE = 20;
/** Declarations may change without an event. */
const LOOK_MS = 60_000;
let look = null;
let ready = false;

export function begin() {
  $("more-calls").addEventListener("click", () => attempt(more));
  onCall();
}

async function more() {
  shown += MORE;
  if (known.size < shown && older !== null) {
    const page = await api(`/calls?limit=${shown}`);
    older = page.next;
    for (const call of page.items) known.set(call.id, call);
  }
  show();
}

export function changed(call) {
  known.set(call.id, call);
  if (ready) show();
}

export function show() {
  ready = true;
  const newest = [...known.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, shown);
  list($("calls"), newest, (call) => call.id, row);
  $("more-calls").hidden = newest.length < shown || (known.size <= shown && older === null);
}

const DOING = {
  ivr: "in the menu", recording: "leaving a voicemail", waiting: "waiting", leaving: "waiting", accepted: "being connected",
  bridged: "talking", away: "forwarded", ended: "ending",
};

function row(call) {
  const customer = call.customer && (house.customers[call.customer] ?? call.customer);
  const from = call.from ?? "Withheld number";
  return el("li", {},
    el("div", { class: "line" },
      el("strong", {}, customer ?? from),
      call.outcome ? badge(call.outcome) : badge(call.phase, DOING[call.phase])),
    el("p", { class: "soft" }, [
      customer && from, call.from && (call.verified ? "verified" : "not verified"), call.category, call.priority,
    ].filter(Boolean).map((fact) => `${fact} · `), call.ended_at ? time(call.started_at) : since(call.started_at)),
    call.outcome && el("p", {}, became(call)),
    call.legs.length > 0 && el("ul", { class: "legs" }, call.legs.map(leg)),
    call.outcome === "voicemail" && message(call),
    call.alert && el("p", {}, el("button", { class: "link", "data-act": "alert", onclick: () => open(call.alert) }, "Show its alert")));
}

/** What the caller said: the link to it lasts some minutes, so it is asked for when somebody wants to listen. */
function message(call) {
  const place = el("p", {}, el("button", { class: "link", "data-act": "listen", onclick: () => listen(call, place) }, "Listen"));
  return place;
}

function listen(call, place) {
  attempt(async () => {
    const { items } = await api(`/voicemails?call=${call.id}`);
    place.replaceChildren(...items.flatMap(({ recording, transcript }) => [
      // The same service, by whatever name the browser knows it.
      recording && el("audio", { controls: "", src: new URL(recording.url).pathname }),
      el("span", { class: "soft" }, transcript ?? (recording ? "" : "The recording is not here.")),
    ].filter(Boolean)));
  });
}

/** What came of it, in a sentence. */
function became(call) {
  const sentence = ending(call);
  return call.waited_ms > 0 ? `Waited ${seconds(call.waited_ms)}, then ${sentence}` : sentence[0].toUpperCase() + sentence.slice(1);
}

function ending(call) {
  switch (call.outcome) {
    case "connected": return `${call.answered_by ? personName(call.answered_by) : "somebody"} took the call.`;
    case "voicemail": return "left a voicemail.";
    case "missed": return `hung up at step ${call.last_step}.`;
    case "callback": return "asked to be called back.";
    case "forwarded": return "was forwarded to another number.";
    case "goodbye": return `was said goodbye to at step ${call.last_step}.`;
    case "rejected": return "was not let in.";
    case "failed": return `the call broke off at step ${call.last_step}.`;
    default: return `ended as ${call.outcome}.`;
  }
}

const STATE = { queued: "about to ring", answered: "picked up", accepted: "said yes", bridged: "talking" };
const RESULT = {
  "no-answer": "no answer", busy: "busy", "bad-number": "bad number", failed: "failed", declined: "said no",
  "hung-up": "hung up", taken: "somebody was faster", "handed-over": "talked, and handed over",
};

/** A technician's phone that was rung for the caller. */
function leg(leg) {
  const talked = leg.state === "ended" && leg.bridged_at !== null && leg.result === null;
  const words = talked ? badge("connected", "talked") : badge(leg.result ?? leg.state, RESULT[leg.result] ?? STATE[leg.state]);
  return el("li", {}, personName(leg.person), " ", words, " ", leg.code && el("span", { class: "badge failed" }, leg.code), " ",
    el("span", { class: "soft" }, `level ${leg.level}, ${leg.reason}`));
}

/** Shown now, and again when the answer changes. */
function onCall() {
  clearTimeout(look);
  look = setTimeout(onCall, LOOK_MS);
  attempt(async () => {
    const { items } = await api("/oncall");
    list($("oncall"), items, (schedule) => schedule.schedule, schedule);
    const waits = items.filter((item) => item.until).map((item) => new Date(item.until) - new Date(item.at));
    clearTimeout(look);
    look = setTimeout(onCall, Math.max(1_000, Math.min(LOOK_MS, ...waits)));
  }, "oncall");
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
