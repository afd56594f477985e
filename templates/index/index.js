"use strict";
(() => {
  const PAGE = 50;
  const KEPT = 5000; // decisions that a search keeps, in the order asked for
  const data = JSON.parse(document.getElementById("data").textContent);
  const { rows: ROWS, size: SIZE, words } = data;
  const CHUNKS = Math.ceil(ROWS / SIZE);
  const byId = (name) => document.getElementById(name);
  const count = (number) => number.toLocaleString(words.language);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const collator = new Intl.Collator(words.language, { numeric: true });

  let search = 0; // the newest one; older ones stop
  let page = 0;
  let sort = null; // { key, down }
  let result = null; // { kept, count } of a search; null: all decisions in the order of the source
  let loaded = { number: -1, rows: [] };

  // A script of the folder beside this page, as rows, one at a time; its text does not stay in memory.
  let last = Promise.resolve();
  function load(number) {
    last = last.catch(() => {}).then(() => loaded.number === number ? loaded.rows : fetched(number));
    return last;
  }

  function fetched(number) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const file = `index/${String(number).padStart(5, "0")}.js`;
      window.decisions = (columns) => { loaded = { number, rows: unpack(columns) }; };
      script.onload = () => { script.remove(); resolve(loaded.rows); };
      script.onerror = () => { script.remove(); reject(new Error(fill(words.missing, { file }))); };
      script.src = file;
      document.head.append(script);
    });
  }

  function unpack(columns) {
    const text = (name, row) => { const at = columns[name].at[row]; return at < 0 ? "" : columns[name].texts[at]; };
    return columns.id.map((id, row) => ({
      id, flags: columns.flags[row], work: columns.work[row], due: columns.due[row],
      letter: columns.letter[row], audit: columns.audit[row],
      outcome: text("outcome", row), state: text("state", row), next: text("next_step", row),
      reasons: text("reasons", row), failure: text("failure", row),
    }));
  }

  // The address keeps what is asked for, so that a search can be kept and sent as a link.
  const FIELDS = ["text", "outcome", "state", "reason"];
  function restore() {
    const kept = new URLSearchParams(location.hash.slice(1));
    for (const name of FIELDS) if (kept.has(name)) byId(name).value = kept.get(name);
    byId("work").checked = kept.has("work");
    if (kept.has("sort")) order(kept.get("sort"), kept.has("down"));
  }

  function keep() {
    const kept = new URLSearchParams();
    for (const name of FIELDS) if (byId(name).value) kept.set(name, byId(name).value);
    if (byId("work").checked) kept.set("work", "");
    if (sort) kept.set("sort", sort.key);
    if (sort && sort.down) kept.set("down", "");
    history.replaceState(null, "", `#${kept}`);
  }

  function asked() {
    const text = byId("text").value.trim().toLocaleLowerCase();
    const [outcome, state, reason] = FIELDS.slice(1).map((name) => byId(name).value);
    const work = byId("work").checked;
    if (!text && !outcome && !state && !reason && !work) return null;
    const fitsState = { "": () => true, "-": (row) => !row.state && !row.failure, "!": (row) => row.failure }[state]
      || ((row) => row.state === state && !row.failure);
    return (row) => fitsState(row)
      && (!outcome || row.outcome === outcome)
      && (!work || row.work)
      && (!reason || row.reasons.split(" · ").includes(reason) || row.reasons === reason)
      && (!text || row.id.toLocaleLowerCase().includes(text) || row.reasons.toLocaleLowerCase().includes(text));
  }

  function compare(first, second) {
    const { key, down } = sort;
    const [a, b] = [first[key], second[key]];
    const empty = (value) => value === "" || value === null;
    if (empty(a) || empty(b)) return empty(a) - empty(b); // last, whichever way
    const found = typeof a === "number" ? a - b : collator.compare(a, b);
    return down ? -found : found;
  }

  // Every script once, in turn: what fits is counted, and the first of it kept in the order asked for.
  async function find() {
    const mine = ++search;
    const fits = asked();
    page = 0;
    if (!fits && !sort) { result = null; return show(); }
    let kept = [];
    let found = 0;
    for (let number = 0; number < CHUNKS; number += 1) {
      const rows = await load(number);
      if (mine !== search) return undefined;
      const here = fits ? rows.filter(fits) : rows;
      found += here.length;
      if (sort) {
        const least = kept.length === KEPT ? kept[KEPT - 1] : null;
        const better = least ? here.filter((row) => compare(row, least) < 0) : here;
        kept = kept.concat(better).sort(compare).slice(0, KEPT);
      } else if (kept.length < KEPT) {
        kept = kept.concat(here.slice(0, KEPT - kept.length));
      }
      if (CHUNKS > 1) say(words.searching, { done: count(Math.min(ROWS, (number + 1) * SIZE)), count: count(ROWS) });
    }
    result = { kept, count: found };
    return show();
  }

  async function show() {
    const shown = result ? result.kept.length : ROWS;
    const pages = Math.max(1, Math.ceil(shown / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const from = page * PAGE;
    let rows = [];
    if (result) {
      rows = result.kept.slice(from, from + PAGE);
    } else if (ROWS) {
      const chunk = await load(Math.floor(from / SIZE));
      rows = chunk.slice(from % SIZE, (from % SIZE) + PAGE);
    }
    byId("rows").replaceChildren(...rows.map(line));
    byId("page").textContent = fill(words.page, { page: count(page + 1), count: count(pages) });
    byId("back").disabled = page === 0;
    byId("on").disabled = page === pages - 1;
    const number = result ? result.count : ROWS;
    if (!number) say(words.none, {});
    else say(shown < number ? words.first : words.shown, { shown: count(shown < number ? shown : number), count: count(shown < number ? number : ROWS) });
  }

  function say(text, values) { byId("status").textContent = fill(text, values); }

  function line(row) {
    const tr = document.createElement("tr");
    const id = cell("th", row.id);
    id.scope = "row";
    const state = row.failure ? words.failed : row.state || words.ready;
    const due = row.due === null ? "" : new Date(row.due * 864e5).toISOString().slice(0, 10);
    const documents = cell("td", "");
    for (const [name, file] of [[words.letter, row.letter], [words.audit, row.audit]]) {
      if (file && /^documents\/[\w./-]+$/.test(file)) documents.append(link(name, file, row.id));
    }
    tr.append(
      id, cell("td", words[row.outcome] || ""), cell("td", state, row.failure ? "failed" : row.state && "refused"),
      cell("td", due), cell("td", row.failure || row.next || row.reasons), cell("td", row.flags ? String(row.flags) : ""),
      documents,
    );
    return tr;
  }

  function cell(kind, text, style) {
    const found = document.createElement(kind);
    found.textContent = text;
    if (style) found.className = style;
    return found;
  }

  function link(name, file, id) {
    const found = document.createElement("a");
    found.textContent = name;
    found.href = file;
    found.setAttribute("aria-label", `${name} ${id}`);
    return found;
  }

  function sorted(button) {
    const key = button.dataset.key;
    const again = sort && sort.key === key;
    order(again && sort.down ? null : key, again && !sort.down);
    changed();
  }

  function order(key, down) {
    const heads = [...document.querySelectorAll("th[aria-sort]")];
    sort = heads.some((head) => head.firstElementChild.dataset.key === key) ? { key, down } : null;
    for (const head of heads) {
      const mine = sort && head.firstElementChild.dataset.key === key;
      head.setAttribute("aria-sort", mine ? (down ? "descending" : "ascending") : "none");
    }
  }

  function changed() {
    keep();
    run(find);
  }

  function run(work) { work().catch((error) => { byId("status").textContent = error.message; }); }

  let waiting = 0;
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, 250);
  });
  for (const button of document.querySelectorAll("thead button")) button.addEventListener("click", () => sorted(button));
  byId("back").addEventListener("click", () => { page -= 1; run(show); });
  byId("on").addEventListener("click", () => { page += 1; run(show); });
  restore();
  run(find);
})();
