// The console works without this: keys, a filter, and the newest calls as they come.
"use strict";
(() => {
  const KEPT_ROWS = 200;
  const EVERY_MS = 2000;

  // Keys: `/` looks for something, `g` and a letter goes to a part of the console.
  let going = false;
  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest("input, select, textarea, [contenteditable]");
    if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
    if (going) {
      going = false;
      const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) link.click();
      return;
    }
    if (event.key === "g") {
      going = true;
      setTimeout(() => { going = false; }, 1500);
    }
    if (event.key === "/") {
      const field = document.querySelector("[data-search]");
      if (!field) return;
      event.preventDefault();
      field.focus();
      field.select();
    }
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "true";
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
  });

  // A list that is filtered while something is typed.
  for (const field of document.querySelectorAll("[data-filter]")) {
    const items = [...document.querySelectorAll(field.dataset.filter)];
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      for (const item of items) {
        item.closest("li").hidden = !item.textContent.toLowerCase().includes(wanted);
      }
      for (const section of new Set(items.map((item) => item.closest("section")))) {
        section.hidden = !section.querySelector("li:not([hidden])");
      }
    });
  }

  // The newest calls.
  const table = document.querySelector("[data-live]");
  if (!table) return;
  const body = table.tBodies[0];
  const state = document.querySelector("[data-live-state]");
  const pause = document.querySelector("[data-live-pause]");
  let paused = false;
  let ended = false;
  let asking = false;
  const say = (text) => { if (state.textContent !== text) state.textContent = text; };

  async function ask() {
    if (paused || ended || asking || document.hidden) return;
    asking = true;
    try {
      const newest = body.querySelector("tr[data-position]");
      const after = newest ? newest.dataset.position : "";
      const answer = await fetch(`${table.dataset.live}?after=${encodeURIComponent(after)}`);
      if (answer.redirected || answer.status === 401) {
        ended = true;
        say("You were signed out. Load the page anew to sign in.");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      const found = new DOMParser().parseFromString(`<table><tbody>${text}</tbody></table>`, "text/html");
      const rows = [...found.querySelectorAll("tr")].map((row) => document.importNode(row, true));
      for (const row of rows) row.classList.add("new");
      body.prepend(...rows);
      while (body.rows.length > KEPT_ROWS) body.deleteRow(-1);
      if (rows.length) document.querySelector(".empty")?.remove();
      say("Live");
    } catch {
      say("The host does not answer; trying again.");
    } finally {
      asking = false;
    }
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    say(paused ? "Paused" : "Live");
    ask();
  });
  say("Live");
  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);
})();
