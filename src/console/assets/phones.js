// The demo's phones, over the simulator's control API: one where you are the customer, and one for each
// technician, with what arrives by SMS, email and push. The state is what the simulator's events tell.

import { $, el, linked } from "./dom.js";
import { ask, attempt } from "./console.js";
import { hush, mute, speak } from "./voice.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const LINES_MAX = 80;
const legs = new Map();
let base = "";
let cards = [];

/** `described` names callers, hotlines and people; nothing else is known about them here. */
export async function begin(described) {
  base = described.base;
  $("phones").hidden = false;
  $("mute").addEventListener("click", () => {
    const muted = $("mute").getAttribute("aria-pressed") !== "true";
    $("mute").setAttribute("aria-pressed", muted);
    mute(muted);
  });
  cards = [customer(described), ...described.people.map(technician)];
  $("phone-cards").replaceChildren(...cards.map((card) => card.element));
  let past = 0;
  await attempt(async () => { past = (await ask(`${base}/state`)).seq; });
  const events = new EventSource(`${base}/events`);
  events.addEventListener("message", (message) => {
    const event = JSON.parse(message.data);
    happened(event, event.seq > past);
  });
}

/** What happened before the page was opened is shown, not spoken. */
function happened(event, fresh) {
  const leg = legs.get(event.leg);
  switch (event.kind) {
    case "call-started":
      legs.set(event.leg, { sid: event.leg, from: event.from, to: event.to, direction: event.direction, state: "calling" });
      break;
    case "ringing":
      if (leg) leg.state = "ringing";
      break;
    case "answered":
      if (leg) leg.state = event.by === "mailbox" ? "mailbox" : "talking";
      break;
    case "bridged":
      for (const sid of [event.a, event.b]) if (legs.has(sid)) legs.get(sid).state = "bridged";
      break;
    case "parted":
      for (const sid of [event.a, event.b]) if (legs.get(sid)?.state === "bridged") legs.get(sid).state = "talking";
      break;
    case "ended":
      if (leg) leg.state = "ended";
      break;
    default:
  }
  for (const card of cards) card.happened(event, fresh);
}

/** What every phone has: what is heard, keys, words, and hanging up. */
function handset(empty) {
  const heard = el("div", { class: "heard", role: "log", "aria-live": "polite", "data-empty": empty, tabindex: "0" });
  const phone = { leg: null, heard };
  phone.add = (kind, ...content) => {
    heard.append(el("p", { class: kind }, ...content));
    while (heard.children.length > LINES_MAX) heard.firstElementChild.remove();
    heard.scrollTop = heard.scrollHeight;
  };
  const act = (action, body = {}) => attempt(() => ask(`${base}/legs/${encodeURIComponent(phone.leg)}/${action}`, body));
  phone.act = act;
  phone.keypad = el("div", { class: "keypad", role: "group", "aria-label": "Keypad" }, KEYS.map((key) =>
    el("button", { type: "button", onclick: () => { hush(); act("press", { keys: key }); } }, key)));
  const words = el("input", { placeholder: "Say something", "aria-label": "Say something", autocomplete: "off" });
  phone.words = el("form", { class: "reply", onsubmit: (event) => {
    event.preventDefault();
    if (words.value.trim()) act("speak", { text: words.value.trim() });
    words.value = "";
  } }, words, el("button", {}, "Say"));
  phone.listen = (event, fresh) => {
    if (event.leg !== phone.leg || !phone.leg) return;
    if (event.kind === "keys") phone.add("mine", event.keys);
    if (event.kind === "spoke") phone.add("mine", event.text);
    if (event.kind === "heard") hear(phone, event, fresh);
  };
  return phone;
}

function hear(phone, event, fresh) {
  if (event.source === "music") {
    const last = phone.heard.lastElementChild;
    if (!last?.classList.contains("music")) phone.add("other music", "♪ music");
  } else if (event.source === "beep") {
    phone.add("other", "(beep)");
  } else if (event.source === "play") {
    phone.add("other", `♪ ${event.text.split("/").pop()}`);
  } else {
    phone.add(event.source === "person" ? "person" : "said", event.source === "person" ? `“${event.text}”` : event.text);
    if (fresh) speak(event.text, event.language);
  }
}

const STANDING = {
  calling: "calling", ringing: "ringing", talking: "connected", bridged: "talking", mailbox: "the mailbox has picked up",
  ended: "hung up",
};

function customer(described) {
  const phone = handset("Choose who you are, and dial.");
  const names = described.callers.map((caller) => `${caller.name}, ${caller.customer}`);
  const who = el("select", {},
    described.callers.map((caller, index) => el("option", { value: caller.number }, names[index])),
    el("option", { value: "+4930123456" }, "Somebody unknown"), el("option", { value: "" }, "A withheld number"));
  const where = el("select", {}, described.hotlines.map((hotline) =>
    el("option", { value: hotline.number }, [hotline.customer, hotline.number].filter(Boolean).join(", "))));
  const hint = el("p", { class: "soft" });
  const explain = () => {
    const caller = described.callers.find((caller) => caller.number === who.value);
    hint.textContent = caller?.hint ?? "";
    const own = described.hotlines.find((hotline) => hotline.customer === caller?.customer);
    if (own) where.value = own.number;
  };
  who.addEventListener("change", explain);
  const status = el("p", { class: "status", role: "status" });
  const dial = el("button", { class: "go", onclick: () => attempt(async () => {
    phone.heard.replaceChildren();
    phone.leg = (await ask(`${base}/calls`, { from: who.value || null, to: where.value })).leg;
    show();
  }) }, "Dial");
  const end = el("button", { class: "end", onclick: () => { hush(); phone.act("hangup"); } }, "Hang up");
  const element = el("article", { class: "panel phone customer", "aria-label": "Your phone as a customer" },
    el("div", { class: "who" }, el("h3", {}, "You, a customer")),
    el("label", {}, "You are", who), hint, el("label", {}, "You phone", where),
    el("div", { class: "buttons" }, dial, end), status, phone.heard, phone.keypad, phone.words);
  function show() {
    const leg = legs.get(phone.leg);
    const live = Boolean(leg) && leg.state !== "ended";
    status.textContent = leg ? STANDING[leg.state] : "";
    element.classList.toggle("talks", live);
    dial.disabled = live || !where.value;
    who.disabled = where.disabled = live;
    end.hidden = phone.keypad.hidden = phone.words.hidden = !live;
  }
  function happened(event, fresh) {
    if (event.kind === "call-started" && event.direction === "inbound" && fresh && event.from === (who.value || "anonymous")) {
      phone.leg = event.leg;
    }
    phone.listen(event, fresh);
    show();
  }
  explain();
  show();
  return { element, happened };
}

function technician(person) {
  const phone = handset("Nothing yet.");
  const own = (number) => person.numbers.includes(number);
  const status = el("p", { class: "status", role: "status" });
  const answer = el("button", { class: "go", onclick: () => phone.act("answer") }, "Answer");
  const decline = el("button", { class: "end", onclick: () => phone.act("decline") }, "Decline");
  const end = el("button", { class: "end", onclick: () => { hush(); phone.act("hangup"); } }, "Hang up");
  const reply = el("input", { placeholder: "Answer by SMS", "aria-label": `Answer by SMS as ${person.name}`, autocomplete: "off" });
  let to = null;
  const sms = el("form", { class: "reply", hidden: true, onsubmit: (event) => {
    event.preventDefault();
    const body = reply.value.trim();
    if (body) attempt(() => ask(`${base}/sms`, { from: person.numbers[0], to, body }));
    reply.value = "";
  } }, reply, el("button", {}, "Send"));
  const element = el("article", { class: "panel phone", "aria-label": `The phone of ${person.name}` },
    el("div", { class: "who" }, el("h3", {}, person.name), el("span", { class: "soft" }, local(person.zone))),
    status, el("div", { class: "buttons" }, answer, decline, end), phone.heard, phone.keypad, phone.words, sms);
  function show() {
    const leg = legs.get(phone.leg);
    const state = leg?.state ?? "ended";
    const rings = state === "ringing";
    const talks = state === "talking" || state === "bridged";
    element.classList.toggle("rings", rings);
    element.classList.toggle("talks", talks);
    answer.hidden = decline.hidden = !rings;
    end.hidden = phone.keypad.hidden = phone.words.hidden = !talks;
    status.textContent = rings ? `☎ ${leg.from} is calling` : state === "ended" ? "idle" : STANDING[state];
    sms.hidden = !to;
  }
  function happened(event, fresh) {
    if (event.kind === "call-started" && event.direction !== "inbound" && own(event.to)) {
      phone.leg = event.leg;
      phone.add("other", `☎ call from ${event.from}`);
    }
    phone.listen(event, fresh);
    if (event.kind === "sms" && own(event.to) && event.status === "delivered") {
      to = event.from;
      phone.add("sms", el("span", { class: "from" }, "SMS"), ...linked(event.body));
    }
    if (event.kind === "sms-to-us" && own(event.from)) phone.add("mine", event.body);
    if (event.kind === "mail" && event.to.some((address) => person.emails.includes(address))) {
      phone.add("mail", el("span", { class: "from" }, "Email"), el("strong", {}, event.subject), "\n", ...linked(event.text));
    }
    if (event.kind === "push" && !event.refused && person.pushes.some((push) => push.split("/").includes(event.subscription))) {
      phone.add("push", el("span", { class: "from" }, "Push"), ...pushed(event.json));
    }
    show();
  }
  show();
  return { element, happened };
}

function pushed(json) {
  const { title, body, text } = json ?? {};
  const links = Object.values(json?.links ?? json?.actions ?? {}).concat(json?.url ?? [])
    .map((link) => (typeof link === "string" ? link : link?.url)).filter(Boolean);
  return [title && el("strong", {}, title), title && "\n", ...linked(body ?? text ?? (title ? "" : JSON.stringify(json))),
    ...links.flatMap((link) => ["\n", ...linked(link)])].filter(Boolean);
}

/** Wall-clock time where somebody lives. */
function local(zone) {
  try {
    return new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone }).format(new Date());
  } catch {
    return zone;
  }
}
