// The search: all words must be in a section; those in its heading count most. The index is a script, because pages opened
// from disk may not fetch anything.
"use strict";
{
  const field = document.getElementById("search"), list = document.getElementById("found");
  const root = document.body.dataset.root.replace(/\/?$/, "/");
  const plain = (text) => text.toLowerCase();

  function score(entry, words) {
    const heading = plain(entry.page + " " + entry.heading), text = plain(entry.text);
    let sum = 0;
    for (const word of words) {
      const there = heading.includes(word) ? (plain(entry.heading).includes(word) ? 12 : 6) : 0;
      const times = text.split(word).length - 1;
      if (there + times === 0) return 0;
      sum += there + Math.min(times, 5);
    }
    return entry.source ? sum / 4 : sum;
  }

  function excerpt(text, word) {
    const at = Math.max(0, plain(text).indexOf(word) - 40);
    return (at > 0 ? "… " : "") + text.slice(at, at + 140);
  }

  function look() {
    const words = plain(field.value).split(/\s+/).filter((word) => word.length > 1);
    const hits = words.length === 0 ? [] : window.searchIndex.map((entry) => ({ entry, score: score(entry, words) }))
      .filter((hit) => hit.score > 0).sort((a, b) => b.score - a.score).slice(0, 12);
    list.replaceChildren(...hits.map(({ entry }) => {
      const link = document.createElement("a"), small = document.createElement("small"), item = document.createElement("li");
      link.href = root + entry.url;
      link.textContent = entry.heading && entry.heading !== entry.page ? entry.page + ": " + entry.heading : entry.page;
      small.textContent = excerpt(entry.text, words[0]);
      link.append(small);
      item.append(link);
      return item;
    }));
    if (words.length > 0 && hits.length === 0) list.textContent = "Nothing has all of these words.";
    list.hidden = words.length === 0;
  }

  field.addEventListener("input", look);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.querySelector("a")?.click();
    if (event.key === "Escape") { field.value = ""; look(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) { field.focus(); event.preventDefault(); }
  });
  document.addEventListener("click", (event) => { if (!event.target.closest("header")) list.hidden = true; });
}
