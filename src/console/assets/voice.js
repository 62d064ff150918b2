// What phones say, aloud, one after the other, unless muted.

let muted = false;
let waiting = [];

export function mute(now) {
  muted = now;
  if (muted) hush();
}

export function speak(text, language) {
  if (muted || !("speechSynthesis" in window) || !text.trim()) return;
  const words = new SpeechSynthesisUtterance(text);
  if (language) words.lang = language;
  words.rate = 1.05;
  // Some browsers forget utterances that nothing refers to.
  waiting.push(words);
  words.addEventListener("end", () => { waiting = waiting.filter((other) => other !== words); });
  speechSynthesis.speak(words);
}

/** Whoever pressed a key or hung up does not want to hear the rest. */
export function hush() {
  waiting = [];
  if ("speechSynthesis" in window) speechSynthesis.cancel();
}
