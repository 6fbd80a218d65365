// What scripts add to the editor of flows: line numbers that keep up, and links that lead into it.

const source = () => document.getElementById("f-source");

// One number a line; the sheet is as high as its text, so that numbers and lines scroll together.
function number() {
  const text = source();
  if (!text) return;
  const numbers = text.parentElement.querySelector(".line-numbers");
  const count = text.value.split("\n").length;
  while (numbers.childElementCount > count) numbers.lastElementChild.remove();
  while (numbers.childElementCount < count) {
    const line = document.createElement("span");
    line.textContent = numbers.childElementCount + 1;
    line.id = `line-${line.textContent}`;
    numbers.append(line);
  }
  text.rows = Math.max(count + 1, 18);
}

// The browser scrolls to the number; here the line is chosen as well, to be typed over.
function choose(line) {
  const text = source();
  if (!text) return;
  const lines = text.value.split("\n");
  const begin = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  text.focus({ preventScroll: true });
  text.setSelectionRange(begin, begin + (lines[line - 1] ?? "").length);
}

document.addEventListener("input", (event) => {
  if (event.target === source()) number();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#line-"]');
  const found = /^#line-(\d+)$/.exec(link?.getAttribute("href") ?? "");
  if (found) setTimeout(() => choose(Number(found[1])), 0);
});
