// Building elements. Whatever comes from outside is put in as text, never as HTML.

export const $ = (id) => document.getElementById(id);

/** An element with attributes (`on…` are listeners, `class` a string) and children (nodes or text). */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Makes the children of `parent` those of `items`, keeping what is there (and its focus). */
export function list(parent, items, key, make) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const id = String(key(item));
    const state = JSON.stringify(item);
    let child = known.get(id);
    known.delete(id);
    if (!child || child.dataset.state !== state) {
      const fresh = make(item);
      fresh.dataset.key = id;
      fresh.dataset.state = state;
      if (child) {
        const focused = focusPath(child);
        // What is shown already does not come in again.
        fresh.style.animation = "none";
        child.replaceWith(fresh);
        focusAgain(fresh, focused);
      }
      child = fresh;
    }
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
  for (const gone of known.values()) gone.remove();
}

function focusPath(element) {
  const focused = document.activeElement;
  return element.contains(focused) ? (focused.dataset.act ?? null) : null;
}

function focusAgain(element, act) {
  if (act) element.querySelector(`[data-act="${CSS.escape(act)}"]`)?.focus();
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** 02:31:07, with its day when that is another one than `beside`'s. */
export function time(instant, beside = new Date()) {
  const at = new Date(instant);
  const same = at.toDateString() === new Date(beside).toDateString();
  return (same ? clock : day).format(at);
}

export function seconds(ms) {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** How much later, such as `+1:07`; nothing for the beginning. */
export function after(from, to) {
  const all = Math.floor((new Date(to) - new Date(from)) / 1000);
  if (all < 1) return "";
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `+${hours}:${two(minutes)}:${two(rest)}` : `+${minutes}:${two(rest)}`;
}

const TICK_MS = 5_000;

/** A time with how long ago that is, which goes on by itself. */
export function since(instant) {
  const element = el("time", { class: "since", datetime: instant });
  tick(element);
  return element;
}

function tick(element) {
  const ago = new Date() - new Date(element.dateTime);
  element.textContent = `${time(element.dateTime)}${ago < 1000 ? "" : ` (${seconds(ago)} ago)`}`;
}

setInterval(() => document.querySelectorAll("time.since").forEach(tick), TICK_MS);

/** A word that has a colour, or other words for it. */
export function badge(word, words = word) {
  return el("span", { class: `badge ${word}` }, words);
}

/** Text in which web addresses lead somewhere. */
export function linked(text) {
  return String(text).split(/(https?:\/\/[^\s<>"]+)/).map((part, index) =>
    index % 2 ? el("a", { href: part, target: "_blank", rel: "noreferrer noopener" }, shortened(part)) : part);
}

function shortened(address) {
  return address.length > 48 ? `${address.slice(0, 46)}…` : address;
}
