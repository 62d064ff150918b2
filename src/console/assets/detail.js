// One alert with everything that happened to it. Its address is `#alert-NUMBER`, so that it can be sent
// to others, and the browser's way back closes it.

import { $, after, badge, el, linked, list, seconds, time } from "./dom.js";
import { api, attempt, by, house, mended, personName, showTrouble } from "./console.js";
import { buttons, customer, source, standing } from "./alerts.js";

const ADDRESS = /^#alert-(\w+)$/;
/** Many events at once are one look. */
const SOON_MS = 150;
/** What the address names: a number or an id. */
let named = null;
let shown = null;
let waiting = false;

export function begin() {
  $("detail-close").addEventListener("click", () => $("detail").close());
  $("detail").addEventListener("close", closed);
  $("detail").addEventListener("click", (event) => {
    if (event.target === $("detail")) $("detail").close();
  });
  $("detail-note").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = $("note-text").value.trim();
    if (text) attempt(async () => {
      await api(`/alerts/${named}/note`, { text, by: by() });
      $("note-text").value = "";
    });
  });
  $("detail-note").hidden = house.scope !== "write";
  addEventListener("hashchange", follow);
  follow();
}

/** By its number or id. */
export function open(name) {
  location.hash = `alert-${name}`;
}

function follow() {
  const [, name] = ADDRESS.exec(location.hash) ?? [];
  if (!name) return $("detail").close();
  named = name;
  attempt(async () => {
    try {
      await load();
    } catch (error) {
      closed();
      throw error;
    }
    if (!$("detail").open) $("detail").showModal();
    $("detail").scrollTop = 0;
  }, "detail");
}

function closed() {
  named = shown = null;
  mended("act");
  showTrouble();
  if (ADDRESS.test(location.hash)) history.replaceState(null, "", location.pathname);
}

/** Something happened to this alert. */
export function touched(id) {
  if (id && id === shown) reload();
}

export function reload() {
  if (!shown || waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    if (shown) attempt(load, "detail");
  }, SOON_MS);
}

async function load() {
  const name = named;
  const story = await api(`/alerts/${name}/timeline`);
  if (named !== name) return;
  const alert = story.alert;
  shown = alert.id;
  $("detail-title").textContent = `#${alert.number} ${alert.title}`;
  $("detail-facts").replaceChildren(
    badge(alert.priority), badge(alert.state),
    ...[customer(alert), alert.category && `category ${alert.category}`, alert.contract && `contract ${alert.contract}`,
      alert.policy && `policy ${alert.policy}`, source(alert), alert.count > 1 && `${alert.count} times`,
      `SMS code ${alert.code}`].filter(Boolean).map((fact) => el("span", {}, fact)));
  $("detail-details").replaceChildren(...alert.details.flatMap(({ name, value }) =>
    [el("dt", {}, name), el("dd", {}, reached(value))]));
  $("detail-details").hidden = alert.details.length === 0;
  $("detail-standing").textContent = standing(alert);
  $("detail-actions").replaceChildren(...buttons(alert));
  await said(alert);
  if (named !== name) return;
  list($("detail-timeline"), story.timeline.map((entry) => ({ ...entry, opened_at: alert.opened_at })), (entry) => entry.id, happened);
  $("detail-told").replaceChildren(...story.notifications.map(duty), ...(story.attempts.length
    ? [el("div", { class: "duty" }, el("p", {}, "Beside these"), tries(story.attempts))] : []));
  if (!story.notifications.length && !story.attempts.length) {
    $("detail-told").append(el("p", { class: "soft" }, "Nobody yet."));
  }
}

/** Messages, answers to the five questions and recorded talks; the answers stand in the alert itself, too. */
async function said(alert) {
  const items = alert.call ? (await api(`/voicemails?alert=${alert.id}`)).items : [];
  if (shown !== alert.id) return;
  // A link is new each time; what is being listened to goes on.
  const rows = items.map(({ recording, ...rest }) => ({ ...rest, here: recording !== null }));
  const links = new Map(items.map(({ id, recording }) => [id, recording]));
  list($("detail-said"), rows, (row) => row.id, (row) => recorded(row, links.get(row.id)));
  $("detail-said-part").hidden = items.length === 0;
}

const ASKED = { who: "Who?", what: "What?", where: "Where?", when: "When?", why: "Why?" };
const KIND = { message: "Message", talk: "Recorded talk" };
const AWAY = { kept: "The recording is on its way here.", lost: "The carrier never gave the recording.", removed: "The recording was removed when its time was over." };

function recorded(row, link) {
  return el("li", {},
    el("div", { class: "line" },
      el("strong", {}, row.question ? ASKED[row.question] : KIND[row.kind]),
      el("span", { class: "soft" }, `${time(row.created_at)}, ${seconds(row.seconds * 1000)}`)),
    row.transcript && el("p", {}, row.transcript),
    // The same service, by whatever name the browser knows it.
    link ? el("audio", { controls: "", preload: "none", src: new URL(link.url).pathname })
      : el("p", { class: "soft" }, AWAY[row.state] ?? "The recording is not here."));
}

function happened(entry) {
  return el("li", { class: `kind-${entry.kind}` },
    el("div", { class: "when" }, el("time", { datetime: entry.at }, time(entry.at, entry.opened_at)),
      el("span", {}, after(entry.opened_at, entry.at))),
    el("p", {}, linked(entry.text)));
}

function duty(told) {
  return el("div", { class: "duty" },
    el("p", {}, el("strong", {}, personName(told.person)), ` at level ${told.level}, from ${time(told.started_at)}`),
    el("p", { class: "soft" }, told.reason),
    tries(told.attempts));
}

/** An address that a tool gave leads there; anything else is text. */
function reached(value) {
  return /^https?:\/\/\S+$/.test(value) ? el("a", { href: value, rel: "noreferrer noopener", target: "_blank" }, value) : value;
}

const STANDING = { due: "to come", held: "after the call", unknown: "unsure", dropped: "not needed" };

function tries(attempts) {
  return el("ul", { class: "tries" }, attempts.map((attempt) => el("li", {},
    badge(attempt.state, STANDING[attempt.state]),
    el("span", {}, attempt.channel, " to ", attempt.person && attempt.kind !== "page" ? `${personName(attempt.person)}, ` : "", attempt.to),
    attempt.kind !== "page" && el("span", { class: "soft" }, attempt.kind),
    el("span", { class: "soft" }, time(attempt.sent_at ?? attempt.due_at)),
    attempt.latency_ms !== null && el("span", { class: "soft", title: "how long the provider took to answer" }, `in ${seconds(attempt.latency_ms)}`),
    attempt.tries > 1 && el("span", { class: "soft" }, `${attempt.tries} tries`),
    attempt.code && el("span", { class: "badge failed" }, attempt.code),
    attempt.message && el("span", { class: "soft" }, linked(attempt.message)))));
}
