// What the wizard gets from scripts: the time zone of whoever fills it in, where none was chosen.

function guessZone() {
  const zones = document.querySelector("select[data-guess]");
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zones) return;
  const known = [...zones.options].some((option) => option.value === here);
  if (zones.value === here || !known) {
    showDates();
    return;
  }
  zones.value = here;
  htmx.trigger(zones, "guessed");
}

// Dates of a zone that nobody has chosen are not shown until there are those of the guess.
function showDates() {
  document.getElementById("dates")?.classList.remove("unguessed");
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) showDates();
});

// Not before htmx listens to what changes: its own listener for this event came first.
document.addEventListener("DOMContentLoaded", guessZone);
