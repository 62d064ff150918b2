// The ways to reach whoever acts here: what is declared, and what they added and proved by a code or a link.

import { $, badge, el, list, since } from "./dom.js";
import { ask, api, attempt, by, house, personName, say, API } from "./console.js";

const KINDS = {
  sms: "SMS to a mobile", voice: "Call to a phone", email: "Email", slack: "Slack", telegram: "Telegram", ntfy: "ntfy",
  teams: "Teams", webhook: "Webhook",
};
const HINTS = {
  sms: "+4915112345678", voice: "+4930123456", email: "you@example.com", slack: "U0123ABCD", telegram: "123456789",
  ntfy: "https://ntfy.sh/your-topic", teams: "https://…", webhook: "https://…",
};
/** In the order in which a page tries them. */
const WHEN = [["0s", "at once"], ["1m", "after 1 minute"], ["3m", "after 3 minutes"], ["10m", "after 10 minutes"], ["never", "never"]];

export function begin() {
  $("contact-kind").append(...Object.entries(KINDS).map(([kind, words]) => el("option", { value: kind }, words)));
  for (const [id, first] of [["contact-high", "0s"], ["contact-low", "never"]]) {
    $(id).append(...WHEN.map(([value, words]) => el("option", { value }, words)));
    $(id).value = first;
  }
  $("contact-kind").addEventListener("change", hint);
  $("contact-add").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(add, "contacts");
  });
  $("as").addEventListener("change", () => attempt(look, "contacts"));
  // A link in an email is opened elsewhere.
  window.addEventListener("focus", () => attempt(look, "contacts"));
  hint();
  attempt(look, "contacts");
}

function hint() {
  $("contact-to").placeholder = HINTS[$("contact-kind").value];
}

const path = (contact) => `/people/${contact.person}/contacts/${contact.id}`;

/** Whoever acts as nobody of the house has no contacts here. */
async function look() {
  const person = by();
  const known = house.people.has(person);
  $("contacts-part").hidden = !known;
  if (!known) return;
  $("contacts-title").textContent = `How ${personName(person)} is reached`;
  $("contact-add").hidden = house.scope !== "write";
  const { items } = await api(`/people/${person}/contacts`);
  if (person === by()) list($("contacts"), items, (contact) => `${contact.person}/${contact.id}`, row);
}

function row(contact) {
  const acts = house.scope === "write" && !contact.declared;
  return el("li", {},
    el("div", { class: "line" }, el("strong", {}, contact.id), badge(contact.kind)),
    el("p", { class: "address" }, contact.to),
    el("p", { class: "soft" }, ...standing(contact)),
    contact.stopped_at && el("p", { class: "trouble" }, "STOP was sent from it ", since(contact.stopped_at), ": no SMS goes there until START."),
    acts && !contact.verified && proof(contact),
    acts && el("p", {}, el("button", { class: "link", "data-act": "remove", onclick: () => attempt(() => remove(contact), "contacts") }, "Remove it")));
}

function standing(contact) {
  const first = (after) => after === null ? "never" : after === "0s" ? "at once" : `after ${after}`;
  const tried = `Urgent: ${first(contact.after_high)}, else: ${first(contact.after_low)}.`;
  if (contact.declared) return [`Declared by file. ${tried}`];
  if (contact.verified) return ["Verified ", since(contact.verified_at), `. ${tried}`];
  return ["Not used before it is proved that it is yours."];
}

/** An email has a link in place of a code, which opens a page of its own. */
function proof(contact) {
  const again = el("button", { type: "button", "data-act": "code", onclick: () => attempt(() => renew(contact), "contacts") }, "Send it again");
  if (contact.kind === "email") {
    return el("div", { class: "actions" }, el("p", { class: "soft" }, "Open the link in the email that went there."), again);
  }
  const code = el("input", { "aria-label": `The code that went to ${contact.id}`, placeholder: "Code", autocomplete: "one-time-code",
    maxlength: 40, size: 8, required: true });
  const send = (event) => {
    event.preventDefault();
    attempt(() => verify(contact, code.value), "contacts");
  };
  return el("form", { class: "actions", onsubmit: send }, code, el("button", { class: "primary", "data-act": "verify" }, "Verify"), again);
}

async function add() {
  const person = by();
  const [kind, to, id] = ["contact-kind", "contact-to", "contact-id"].map((field) => $(field).value.trim());
  const wanted = { id, kind, to, after_high: $("contact-high").value, after_low: $("contact-low").value };
  await api(`/people/${person}/contacts`, wanted);
  say(`A code or a link is on its way to ${to}`);
  for (const field of ["contact-to", "contact-id"]) $(field).value = "";
  await look();
}

async function verify(contact, code) {
  try {
    await api(`${path(contact)}/verify`, { code });
    say(`${contact.id} is verified, and used from now on`);
  } finally {
    await look();
  }
}

async function renew(contact) {
  await api(`${path(contact)}/code`, {});
  say(`It is on its way to ${contact.to} once more`);
  await look();
}

async function remove(contact) {
  await ask(API + path(contact), undefined, "DELETE");
  say(`${contact.id} is removed`);
  await look();
}
