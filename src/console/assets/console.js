// The console: keeps what the events tell, and shows it. Start at `begin`.

import { $, el } from "./dom.js";
import * as alerts from "./alerts.js";
import * as callbacks from "./callbacks.js";
import * as calls from "./calls.js";
import * as contacts from "./contacts.js";
import * as detail from "./detail.js";
import * as incidents from "./incidents.js";
import * as marks from "./marks.js";
import * as phones from "./phones.js";

export const house = { people: new Map(), customers: {}, scope: "read" };
export const API = "/console/api";
/** After the server refused to tell what changes. */
const AGAIN_MS = 5_000;

/** What the server said was wrong. */
class Refused extends Error {}

export async function ask(path, body, method = body === undefined ? "GET" : "POST") {
  const request = method === "GET" ? {} : {
    method,
    headers: { "content-type": "application/json", "x-pikett": "console" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, request);
  if (response.status === 401) location.reload();
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Refused(inWords(answer, response));
  }
  return answer;
}

/** A problem, as sentences. */
function inWords(problem, response) {
  const fields = (problem.errors ?? []).map((error) => `${error.field.replace(/^\//, "")}: ${error.message}`);
  const parts = [problem.title ?? problem.error ?? `The service answered status ${response.status}`, problem.detail, ...fields];
  return parts.filter(Boolean).map((part) => `${part[0].toUpperCase()}${part.slice(1)}.`).join(" ");
}

export function api(path, body) {
  return ask(API + path, body);
}

/** Runs something and says what went wrong with it, until it works. `what` keeps those apart. */
export async function attempt(work, what = "act") {
  try {
    await work();
    mended(what);
  } catch (error) {
    trouble(what, error instanceof Refused ? error.message : "The service does not answer.");
  }
}

/** What is wrong now, the newest last. */
const troubles = new Map();

function trouble(what, text) {
  troubles.delete(what);
  troubles.set(what, text);
  showTrouble();
}

export function mended(what) {
  if (troubles.delete(what)) showTrouble();
}

/** Where it is seen: an open dialog covers the page. */
export function showTrouble() {
  const text = [...troubles.values()].at(-1) ?? "";
  for (const [id, here] of [["trouble", !$("detail").open], ["detail-trouble", $("detail").open]]) {
    $(id).textContent = here ? text : "";
    $(id).hidden = !here || !text;
  }
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
  marks.begin();
  contacts.begin();
  if (session.phones) phones.begin(session.phones);
  listen();
}

function listen() {
  const events = new EventSource(`${API}/events`);
  const on = (name, handle) => events.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  on("alert", alerts.changed);
  on("alert", marks.heard);
  on("entry", alerts.told);
  on("attempt", alerts.tried);
  on("call", calls.changed);
  on("incident", incidents.changed);
  on("callback", callbacks.changed);
  on("missed", detail.reload);
  on("ready", () => {
    live("live", "on");
    mended("live");
    alerts.show();
    callbacks.show();
    calls.show();
  });
  events.addEventListener("error", () => {
    live("connection lost, trying again", "off");
    // A browser gives up when it was refused, and does not tell why: so that is asked for.
    if (events.readyState === EventSource.CLOSED) {
      attempt(() => api("/calls?limit=1"), "live");
      setTimeout(listen, AGAIN_MS);
    }
  });
}

function live(text, state) {
  $("live").textContent = text;
  $("live").className = `live ${state}`;
}

attempt(begin, "begin");
