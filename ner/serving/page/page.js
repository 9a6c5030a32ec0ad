// The page: asks the service it came from, shows what was found, and asks nothing else of anybody.
import { WORDS } from "./words.js";

const PAUSE = 150; // milliseconds without a key before the service is asked
const READINGS = 5;
// Colours of labels, as ner/text/colours.py has them.
const HUES = [28, 206, 130, 290, 52, 350, 186, 85, 240, 12, 160, 320];
const KNOWN = { PER: 0, PERSON: 0, LOC: 1, LOCATION: 1, ORG: 2, ORGANIZATION: 2, MISC: 3, DATE: 4, GPE: 6 };

const at = (id) => document.getElementById(id);
const text = at("text"), marked = at("marked"), threshold = at("threshold"), tip = at("tip");
const state = {
  models: [], limits: {}, key: kept(sessionStorage, "ner-key") || "", off: new Set(), chosen: null, answer: null,
  hues: new Map(), asked: "", place: 0, running: null, timer: 0, language: "en", error: null,
};

function kept(store, name, value) {
  try { // a browser may forbid it
    if (value !== undefined) store.setItem(name, value);
    return store.getItem(name);
  } catch { return value ?? null; }
}

const say = (name, ...about) => {
  const words = WORDS[state.language][name];
  return typeof words === "function" ? words(...about) : words;
};
const percent = (score) => score.toLocaleString(state.language, { style: "percent", maximumFractionDigits: score > 0.995 || score < 0.01 ? 2 : 1 });
const model = () => state.models.find((one) => one.name === at("model").value) || state.models[0];
const hue = (label) => state.hues.get(label) ?? HUES[0];

function chooseHues(labels) {
  state.hues = new Map();
  for (const label of labels) {
    const first = KNOWN[label.toUpperCase()] ?? [...label].reduce((sum, one) => sum + one.codePointAt(0), 0);
    const slots = HUES.map((_, step) => HUES[(first + step) % HUES.length]);
    const further = Array.from({ length: 360 }, (_, step) => Math.floor((state.hues.size + step) * 137.508) % 360);
    const taken = new Set(state.hues.values());
    state.hues.set(label, [...slots, ...further].find((one) => !taken.has(one)) ?? slots[0]);
  }
}

// Language and theme

function speak(language) {
  state.language = language;
  kept(localStorage, "ner-language", language);
  document.documentElement.lang = language;
  document.title = say("title");
  for (const one of document.querySelectorAll("[data-say]")) one.textContent = say(one.dataset.say);
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", say(one.dataset.label));
  text.placeholder = say("hint");
  marked.dataset.empty = say("nothing");
  const other = language === "en" ? "zh" : "en";
  at("language").textContent = WORDS[other].name;
  at("language").lang = other;
  showTheme();
  showDecision();
  showError();
  if (state.answer) show();
}

const isDark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const showTheme = () => { at("theme").textContent = say(isDark() ? "light" : "dark"); };

// Asking

function ask(soon) {
  clearTimeout(state.timer);
  state.timer = setTimeout(request, soon ? 0 : PAUSE);
}

async function request() {
  state.running?.abort();
  const written = text.value;
  if (!written.trim() || !model()) {
    Object.assign(state, { answer: null, error: null });
    at("status").textContent = "";
    marked.replaceChildren();
    at("best").replaceChildren();
    showCounts([]);
    return showError();
  }
  const characters = [...written].length;
  if (characters > state.limits.characters) return fail(() => say("tooLong", characters, state.limits.characters));
  const running = (state.running = new AbortController());
  const body = { text: written, offsets: "utf16", model: model().name };
  if (state.chosen !== null) body.threshold = state.chosen;
  if (at("readings").open) body.k_best = Math.min(READINGS, state.limits.k_best);
  marked.classList.add("waiting");
  const began = performance.now();
  try {
    const answer = await fetched("v1/entities", { method: "POST", body: JSON.stringify(body), signal: running.signal });
    if (state.running !== running || !answer) return;
    state.answer = { text: written, ms: Math.round(performance.now() - began), ...answer.results[0] };
    state.error = null;
    showError();
    show();
  } catch (error) {
    if (error.name !== "AbortError") fail(() => say("unreachable"));
  } finally {
    if (state.running === running) marked.classList.remove("waiting");
  }
}

// The service's answer; null where it gave none that could be shown, which is told.
async function fetched(path, options = {}) {
  const headers = { "content-type": "application/json" };
  if (state.key) headers.authorization = `Bearer ${state.key}`;
  const response = await fetch(path, { ...options, headers });
  const answer = await response.json();
  if (response.ok) {
    at("locked").hidden = true;
    return answer;
  }
  if (response.status === 401) {
    at("locked").hidden = false;
    fail(state.key ? () => answer.error.message : null);
  } else if (response.status === 429 || response.status === 503) {
    const seconds = Number(response.headers.get("retry-after")) || 1;
    fail(() => say("busy", seconds));
    state.timer = setTimeout(request, seconds * 1000);
  } else {
    fail(() => answer.error.message);
  }
  return null;
}

function fail(tell) {
  state.error = tell;
  state.answer = null;
  at("status").textContent = "";
  marked.classList.remove("waiting");
  marked.replaceChildren();
  at("best").replaceChildren();
  showError();
}

function showError() {
  at("error").hidden = !state.error;
  at("error").textContent = state.error ? state.error() : "";
}

// Showing

function show() {
  const { text: whole, entities, ms } = state.answer;
  const seen = entities.filter((entity) => !state.off.has(entity.label));
  marked.replaceChildren(...pieces(whole, 0, whole.length, seen, true));
  at("status").textContent = seen.length ? say("count", seen.length, ms) : say("none");
  showCounts(entities);
  showReadings();
  tip.hidden = true;
}

function pieces(whole, start, end, entities, live) {
  const made = [];
  let done = start;
  for (const entity of entities) {
    made.push(whole.slice(done, entity.start), mark(whole, entity, live && !made.length, live));
    done = entity.end;
  }
  made.push(whole.slice(done, end));
  return made;
}

function mark(whole, entity, first, live) {
  const made = document.createElement("mark");
  made.style.setProperty("--hue", hue(entity.label));
  const score = entity.score ?? 1;
  made.style.setProperty("--strength", `${Math.round(20 + 80 * score ** 1.5)}%`);
  const label = document.createElement("small");
  label.textContent = entity.label;
  made.append(whole.slice(entity.start, entity.end), label);
  if (live) {
    made.classList.toggle("doubtful", score < 0.5);
    made.tabIndex = first ? 0 : -1; // one stop of the Tab key; arrows go from entity to entity
    made.dataset.tip = say("tip", entity.label, percent(score));
    made.dataset.start = entity.start;
    made.setAttribute("role", "button");
    made.setAttribute("aria-label", whole.slice(entity.start, entity.end) + say("heard", entity.label, percent(score)));
  }
  return made;
}

function showCounts(entities) {
  for (const box of at("labels").querySelectorAll("input")) {
    box.nextElementSibling.nextElementSibling.textContent = entities.filter((entity) => entity.label === box.value).length || "";
  }
}

function showReadings() {
  const { text: whole, sentences } = state.answer;
  const best = at("best");
  if (!sentences) return best.replaceChildren();
  const here = sentences.find((one) => state.place <= one.end) || sentences[sentences.length - 1];
  if (!here) return best.replaceChildren();
  best.replaceChildren(...here.labellings.map((labelling) => {
    const line = document.createElement("li");
    const chance = document.createElement("span");
    chance.className = "chance";
    chance.textContent = percent(labelling.probability);
    chance.style.setProperty("--share", `${100 * labelling.probability}%`);
    const sentence = document.createElement("span");
    sentence.className = "sentence";
    sentence.append(...pieces(whole, here.start, here.end, labelling.entities, false));
    line.append(chance, sentence);
    return line;
  }));
}

function showDecision() {
  const own = state.chosen === null;
  const value = own ? model()?.threshold : state.chosen;
  const spoken = value == null ? "" : percent(value);
  at("decided").textContent = own ? say("decidedOwn", spoken) : say("decidedBy", spoken);
  threshold.setAttribute("aria-valuetext", at("decided").textContent);
  at("own").hidden = own;
}

function showModel() {
  state.chosen = null;
  state.off.clear();
  threshold.value = model().threshold ?? 0.5;
  showDecision();
  chooseHues(model().labels);
  at("labels").replaceChildren(...model().labels.map((label) => {
    const around = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true, value: label });
    const name = document.createElement("span"), count = document.createElement("span");
    name.textContent = label;
    count.className = "count";
    around.style.setProperty("--hue", hue(label));
    around.append(box, name, count);
    return around;
  }));
}

function showTip(target) {
  tip.textContent = target.dataset.tip;
  tip.hidden = false;
  const box = target.getClientRects()[0];
  const left = Math.min(box.left, innerWidth - tip.offsetWidth - 8);
  const above = box.top > tip.offsetHeight + 8;
  tip.style.setProperty("left", `${Math.max(left, 8) + scrollX}px`);
  tip.style.setProperty("top", `${(above ? box.top - tip.offsetHeight - 6 : box.bottom + 6) + scrollY}px`);
}

// What people do

async function read(file) {
  try {
    text.value = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    state.place = 0;
    ask(true);
  } catch {
    fail(() => say("notText", file.name));
  }
}

const listen = (target, kinds, act) => kinds.split(" ").forEach((kind) => target.addEventListener(kind, act));

listen(text, "input", () => { state.place = text.selectionStart; ask(); });
listen(text, "keyup click", () => {
  if (state.place === text.selectionStart) return;
  state.place = text.selectionStart;
  if (state.answer) showReadings();
});
listen(threshold, "input", () => { state.chosen = Number(threshold.value); showDecision(); ask(); });
listen(at("own"), "click", () => {
  state.chosen = null;
  threshold.value = model()?.threshold ?? 0.5;
  showDecision();
  threshold.focus();
  ask(true);
});
listen(at("labels"), "change", (event) => {
  event.target.checked ? state.off.delete(event.target.value) : state.off.add(event.target.value);
  if (state.answer) show();
});
listen(at("model"), "change", () => { showModel(); ask(true); });
listen(at("readings"), "toggle", () => ask(true));
listen(at("example"), "click", () => { text.value = say("sample"); state.place = 0; ask(true); });
listen(at("clear"), "click", () => { text.value = ""; text.focus(); ask(true); });
listen(at("open"), "click", () => at("file").click());
listen(at("file"), "change", (event) => { if (event.target.files[0]) read(event.target.files[0]); event.target.value = ""; });
listen(at("language"), "click", () => speak(state.language === "en" ? "zh" : "en"));
listen(at("theme"), "click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  kept(localStorage, "ner-theme", document.documentElement.dataset.theme);
  showTheme();
});
listen(at("locked"), "submit", (event) => {
  event.preventDefault();
  state.key = at("key").value.trim();
  kept(sessionStorage, "ner-key", state.key);
  start();
});
listen(marked, "mouseover focusin", (event) => { const one = event.target.closest("mark"); if (one) showTip(one); });
listen(marked, "mouseout focusout", () => { tip.hidden = true; });
listen(marked, "click", (event) => { const one = event.target.closest("mark"); if (one) readAt(one); });
listen(marked, "keydown", (event) => {
  const all = [...marked.querySelectorAll("mark")], here = all.indexOf(event.target);
  if (here < 0) return;
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step && all[here + step]) {
    all[here].tabIndex = -1;
    all[here + step].tabIndex = 0;
    all[here + step].focus();
  } else if (event.key === "Enter" || event.key === " ") {
    readAt(all[here]);
  } else if (!step) {
    return;
  }
  event.preventDefault();
});
listen(document, "keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
// Text that is moved within a field is the browser's to move.
const inField = (event) => !event.dataTransfer.types.includes("Files") && event.target.closest?.("input, textarea");
listen(document, "dragover", (event) => {
  if (inField(event)) return;
  event.preventDefault();
  at("drop").hidden = false;
});
listen(document, "dragleave", (event) => { if (!event.relatedTarget) at("drop").hidden = true; });
listen(document, "drop", (event) => {
  if (inField(event)) { at("drop").hidden = true; return; }
  event.preventDefault();
  at("drop").hidden = true;
  const files = event.dataTransfer.files, dropped = event.dataTransfer.getData("text/plain");
  if (files.length > 1) fail(() => say("several"));
  else if (files.length) read(files[0]);
  else if (dropped) { state.place = 0; text.value = dropped; ask(true); }
});

function readAt(one) {
  state.place = Number(one.dataset.start) + 1;
  if (at("readings").open) showReadings();
  else at("readings").open = true; // which asks for them
}

async function start() {
  try {
    const told = await fetched("v1/models");
    if (!told) return;
    state.models = told.models;
    state.limits = told.limits;
    at("model").replaceChildren(...told.models.map((one) => Object.assign(document.createElement("option"), { textContent: one.name })));
    at("models").hidden = told.models.length < 2;
    state.error = null;
    showError();
    showModel();
    ask(true);
  } catch {
    fail(() => say("unreachable"));
  }
}

const theme = kept(localStorage, "ner-theme");
if (theme) document.documentElement.dataset.theme = theme;
const spoken = kept(localStorage, "ner-language") || navigator.language.slice(0, 2);
speak(spoken in WORDS ? spoken : "en");
start();
