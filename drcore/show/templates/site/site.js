// Search in the list of runs. Without it the whole list stands there.
"use strict";
(() => {
  const form = document.getElementById("filter");
  const rows = [...document.querySelectorAll("#list tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const fields = [...form.querySelectorAll("input, select")];
  const status = document.getElementById("count");
  const value = (id) => document.getElementById(id).value;

  function matches(row, text, words, choices) {
    const date = row.dataset.date;
    return (
      words.every((word) => text.includes(word)) &&
      choices.every(([by, wanted]) => row.dataset[by].split("|").includes(wanted)) &&
      (!value("from") || (date && date >= value("from"))) &&
      (!value("to") || (date && date <= value("to")))
    );
  }

  function show() {
    const words = value("q").toLowerCase().split(/\s+/).filter(Boolean);
    const choices = fields.filter((field) => field.dataset.by && field.value).map((field) => [field.dataset.by, field.value]);
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !matches(row, texts[index], words, choices);
      shown += !row.hidden;
    });
    status.textContent = shown === rows.length ? `${rows.length} runs.` : `${shown} of ${rows.length} runs.`;
    const kept = new URLSearchParams(fields.filter((field) => field.value).map((field) => [field.id, field.value]));
    history.replaceState(null, "", kept.size ? `#${kept}` : "#");
  }

  const given = new URLSearchParams(location.hash.slice(1));
  for (const field of fields) field.value = given.get(field.id) ?? "";
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  form.hidden = false;
  if (given.size) show();
})();
