// What scripts add to pages that work without them. One listener a kind of event, on the document,
// so that parts which arrive later need no setting up; `dress` does the rest for them.

const RELATIVE = new Intl.RelativeTimeFormat("en");
// Each unit from so many seconds on: 90 minutes say more than an hour, 36 days more than a month.
const UNITS = [
  ["year", 365 * 86400, 730 * 86400],
  ["month", 30 * 86400, 90 * 86400],
  ["day", 86400, 36 * 3600],
  ["hour", 3600, 90 * 60],
  ["minute", 60, 45],
];
const DAY = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
const LOCAL = new Intl.DateTimeFormat("en-GB", DAY);
const LOCAL_YEAR = new Intl.DateTimeFormat("en-GB", { ...DAY, year: "numeric" });

// --- the theme: as the system has it, light, dark ---------------------------------------------

const THEMES = { auto: "light", light: "dark", dark: "auto" };

const chosenTheme = () => document.documentElement.dataset.theme ?? "auto";

function chooseTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // It holds for this page, then.
  }
}

function tellTheme(button) {
  button.lastElementChild.textContent = `Theme: ${chosenTheme()}`;
}

// --- times: here, and how long from now -------------------------------------------------------

// A sandbox's clock runs ahead of this machine's: what the page calls now is what counts.
let aheadMs = Date.parse(document.documentElement.dataset.now) - Date.now() || 0;

const now = () => Date.now() + aheadMs;

// A stream says it anew where its clock has jumped since.
function setNow(told) {
  aheadMs = Date.parse(told) - Date.now() || 0;
  each(document, "time[datetime]", tellTime);
}

function fromNow(at) {
  const seconds = (at - now()) / 1000;
  const found = UNITS.find(([, , least]) => Math.abs(seconds) >= least);
  if (!found) return seconds > 5 ? "in a moment" : "just now";
  return RELATIVE.format(Math.round(seconds / found[1]), found[0]);
}

function tellTime(element) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return;
  element.dataset.utc ??= element.textContent;
  const thisYear = at.getFullYear() === new Date(now()).getFullYear();
  const local = (thisYear ? LOCAL : LOCAL_YEAR).format(at);
  if ("brief" in element.dataset) {
    element.textContent = fromNow(at);
    element.title = `${local} here, ${element.dataset.utc}`;
  } else {
    const ago = document.createElement("span");
    ago.className = "ago";
    ago.textContent = fromNow(at);
    element.replaceChildren(`${local.replaceAll(" ", "\u00a0")} `, ago);
    element.title = element.dataset.utc;
  }
}

// --- copying ----------------------------------------------------------------------------------

function announce(text) {
  let region = document.getElementById("announcer");
  if (!region) {
    region = document.createElement("p");
    region.id = "announcer";
    region.className = "unseen";
    region.setAttribute("aria-live", "polite");
    document.body.append(region);
  }
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 50);
}

async function copy(button) {
  let done = true;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    done = false; // by plain http, or where the browser forbids it
  }
  const said = done ? "Copied" : "Select and copy it by hand";
  announce(said);
  button.dataset.said = said;
  setTimeout(() => { delete button.dataset.said; }, 2000);
}

// --- values that do not stay on the screen ----------------------------------------------------

function hideLater(element) {
  if (element.dataset.until) return;
  const until = Date.now() + Number(element.dataset.hideAfter) * 1000;
  element.dataset.until = until;
  const countdown = element.querySelector(".countdown");
  const timer = setInterval(tick, 250);
  addEventListener("pagehide", hide, { once: true }); // the way back would show it again
  tick();

  function tick() {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left <= 0) hide();
    else if (countdown) countdown.textContent = `hidden in ${left} s`;
  }

  function hide() {
    clearInterval(timer);
    removeEventListener("pagehide", hide);
    const text = document.createElement("p");
    text.className = "muted";
    text.textContent = element.dataset.hiddenText ?? "Hidden again.";
    element.replaceChildren(text);
    announce(text.textContent);
  }
}

// --- regions that scroll ----------------------------------------------------------------------

// A stop for the keyboard only where there is something to scroll.
function allowScrolling(region) {
  if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
  else region.removeAttribute("tabindex");
}

// --- parts that a stream replaces -------------------------------------------------------------

// What somebody has folded open or shut stays so, as long as there is still such a thing.
const folded = (part) =>
  [...part.querySelectorAll("details")].map((one) => {
    const about = one.closest("li, section")?.querySelector("h2, h3")?.textContent ?? "";
    return [`${about}: ${one.querySelector("summary").firstChild.textContent}`, one];
  });
let foldedBefore = new Map();

// So does the focus: at what has the same id, or the same name, or leads to the same place; where
// there is no such thing any more, at the heading of what took its place.
let focusedBefore;

const sameAs = (part, old) =>
  [...part.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]")].find(
    (one) =>
      one.tagName === old.tagName &&
      ["id", "name", "value", "href"].every((name) => one.getAttribute(name) === old.getAttribute(name)) &&
      (one.id || one.name || one.textContent === old.textContent),
  );

function focusAgain(part, old) {
  const near = sameAs(part, old) ?? part.querySelector(".standing-word, h2, h3") ?? part;
  if (near.tabIndex < 0) near.tabIndex = -1;
  near.focus({ preventScroll: true });
}

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  foldedBefore = new Map(folded(event.target).map(([about, one]) => [about, one.open]));
  focusedBefore = event.target.contains(document.activeElement) ? document.activeElement : undefined;
});
document.addEventListener("htmx:sseMessage", (event) => {
  const part = event.target;
  folded(part).forEach(([about, one]) => { one.open = foldedBefore.get(about) ?? one.open; });
  dress(part); // before it is painted: htmx itself tells of it only a moment later
  if (focusedBefore && !part.contains(document.activeElement)) focusAgain(part, focusedBefore);
});
document.addEventListener("htmx:afterSwap", (event) => dress(event.target));

// --- streams ------------------------------------------------------------------------------------

// A browser has six connections to a server by HTTP/1.1, for all its tabs together. So a page that
// nobody sees holds none; when it is seen again, the part comes as it is by then.
const streams = new Set();

// Nothing is replaced under a pointer that is down: the click would be lost.
let pressed = false;
const untilReleased = [];
const patiently = (listener) => (event) => {
  if (pressed) untilReleased.push(() => listener(event));
  else listener(event);
};
addEventListener("pointerdown", () => { pressed = true; }, true);
["pointerup", "pointercancel"].forEach((type) => {
  const release = () => {
    pressed = false;
    untilReleased.splice(0).forEach((each) => each());
  };
  addEventListener(type, () => setTimeout(release), true); // the click itself comes first
});

class Stream {
  constructor(url) {
    this.url = url;
    this.listeners = [];
    streams.add(this);
    if (!document.hidden) this.begin();
  }

  get readyState() {
    return this.source ? this.source.readyState : EventSource.CONNECTING;
  }

  begin() {
    if (this.source) return;
    this.source = new EventSource(this.url);
    this.source.addEventListener("now", (event) => setNow(event.data));
    this.source.onopen = (event) => this.onopen?.(event);
    this.source.onerror = () => {
      if (this.readyState === EventSource.CLOSED) streams.delete(this); // who made it makes another
      this.onerror?.(); // the page says so, and the console need not
    };
    this.listeners.forEach(([type, , patient]) => this.source.addEventListener(type, patient));
  }

  rest() {
    this.source?.close();
    this.source = undefined;
  }

  close() {
    streams.delete(this);
    this.source?.close();
  }

  addEventListener(type, listener) {
    const patient = patiently(listener);
    this.listeners.push([type, listener, patient]);
    this.source?.addEventListener(type, patient);
  }

  removeEventListener(type, listener) {
    const gone = this.listeners.filter(([, each]) => each === listener);
    this.listeners = this.listeners.filter(([, each]) => each !== listener);
    gone.forEach(([, , patient]) => this.source?.removeEventListener(type, patient));
  }
}

htmx.createEventSource = (url) => new Stream(url);

document.addEventListener("visibilitychange", () => {
  streams.forEach((each) => (document.hidden ? each.rest() : each.begin()));
});

// A page that nobody sees does not ask how things are, either; forms and what was begun go on.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.requestConfig.verb === "get") event.preventDefault();
});

// What is not current says so; a stream that was refused is asked for again by itself.
function tellLive(part, live) {
  const told = part.previousElementSibling;
  if (told?.matches(".not-live")) told.hidden = live;
}

document.addEventListener("htmx:sseOpen", (event) => tellLive(event.target, true));
document.addEventListener("htmx:sseError", (event) => {
  if (event.detail.source.readyState === EventSource.CLOSED) tellLive(event.target, false);
});
document.addEventListener("htmx:sseClose", (event) => {
  if (event.detail.type === "message") tellLive(event.target, false);
});

// --- a log-in that is over ----------------------------------------------------------------------

// What was typed stays. After a new log-in elsewhere the forms here get its proof, and what was
// refused is asked for once more.
const askedAgain = new WeakSet();

document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, requestConfig, xhr } = event.detail;
  const shown = document.getElementById("logged-out");
  if (xhr.status !== 401) shown?.remove();
  else if (!shown) {
    const { content } = document.getElementById("when-logged-out");
    document.getElementById("main").prepend(content.cloneNode(true));
  }
  const proof = xhr.getResponseHeader("Form-Token");
  if (!proof || askedAgain.has(elt)) {
    askedAgain.delete(elt);
    return;
  }
  each(document, "input[name=form_token]", (field) => { field.value = proof; });
  askedAgain.add(elt);
  htmx.ajax(requestConfig.verb, requestConfig.path, { source: elt });
});

// --- setting up -------------------------------------------------------------------------------

const each = (root, selector, act) => {
  if (root.matches?.(selector)) act(root);
  root.querySelectorAll(selector).forEach(act);
};

function dress(root) {
  each(root, "time[datetime]", tellTime);
  each(root, "[data-hide-after]", hideLater);
  each(root, "[data-theme-button]", tellTheme);
  each(root, ".scroll, .snippet pre", allowScrolling);
}

document.addEventListener("click", (event) => {
  const copying = event.target.closest("[data-copy]");
  if (copying) copy(copying);
  if (event.target.closest("[data-theme-button]")) {
    chooseTheme(THEMES[chosenTheme()]);
    each(document, "[data-theme-button]", tellTheme);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelectorAll("details.menu-small[open]").forEach((menu) => {
    menu.open = false;
    menu.querySelector("summary").focus();
  });
});

document.addEventListener("htmx:load", (event) => dress(event.target));
addEventListener("resize", () => each(document, ".scroll, .snippet pre", allowScrolling));
setInterval(() => each(document, "time[datetime]", tellTime), 30000);
dress(document);
