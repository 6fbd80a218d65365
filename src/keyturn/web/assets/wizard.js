// What the wizard gets from scripts: the time zone of whoever fills it in, where none was chosen.

function guessZone() {
  const zones = document.querySelector("select[data-guess]");
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zones || zones.value === here) return;
  if (![...zones.options].some((option) => option.value === here)) return;
  zones.value = here;
  zones.dispatchEvent(new Event("input", { bubbles: true }));
}

// Not before htmx listens to what changes: its own listener for this event came first.
document.addEventListener("DOMContentLoaded", guessZone);
