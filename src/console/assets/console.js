// The console: keeps what the events tell, and shows it. Start at `begin`.

import { $, el } from "./dom.js";
import * as alerts from "./alerts.js";
import * as calls from "./calls.js";
import * as phones from "./phones.js";

export const house = { people: new Map(), customers: {}, scope: "read" };
const API = "/console/api";

/** What the server said was wrong. */
class Refused extends Error {}

export async function ask(path, body) {
  const request = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json", "x-pikett": "console" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, request);
  if (response.status === 401) location.reload();
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const fields = (answer.errors ?? []).map((error) => `${error.field}: ${error.message}`);
    throw new Refused([answer.title ?? answer.error ?? response.statusText, answer.detail, ...fields].filter(Boolean).join(" · "));
  }
  return answer;
}

export function api(path, body) {
  return ask(API + path, body);
}

/** Runs what a button does; says what went wrong. */
export async function attempt(work) {
  try {
    await work();
    trouble(null);
  } catch (error) {
    trouble(error instanceof Refused ? error.message : "The service does not answer.");
  }
}

function trouble(text) {
  $("trouble").textContent = text ?? "";
  $("trouble").hidden = !text;
}

export function say(text) {
  $("says").textContent = text;
}

/** Who acts: a person of the house, or whoever signed in. */
export function by() {
  return $("as").value || undefined;
}

export function personName(id) {
  return house.people.get(id) ?? id;
}

async function begin() {
  const session = await ask("/console/session");
  house.scope = session.scope;
  house.customers = session.customers;
  house.people = new Map(session.people.map((person) => [person.id, person.name]));
  $("org").textContent = session.org === "Pikett" ? "" : session.org;
  $("leave").hidden = !session.signed_in;
  $("as").append(el("option", { value: "" }, session.name), ...session.people.map((person) =>
    el("option", { value: person.id }, person.name)));
  try {
    $("as").value = localStorage.getItem("as") ?? "";
  } catch { /* Storage may be forbidden; then nobody is remembered. */ }
  $("as").addEventListener("change", () => {
    try { localStorage.setItem("as", $("as").value); } catch { /* As above. */ }
  });
  alerts.begin();
  calls.begin();
  if (session.phones) phones.begin(session.phones);
  listen();
}

function listen() {
  const events = new EventSource(`${API}/events`);
  const on = (name, handle) => events.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  on("alert", alerts.changed);
  on("entry", alerts.told);
  on("attempt", alerts.tried);
  on("call", calls.changed);
  on("missed", alerts.reload);
  on("ready", () => {
    live("live", "on");
    alerts.show();
    calls.show();
  });
  events.addEventListener("error", () => {
    live("connection lost, trying again", "off");
    // A session that has ended is no reason to try for ever.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5_000);
  });
}

function live(text, state) {
  $("live").textContent = text;
  $("live").className = `live ${state}`;
}

attempt(begin);
