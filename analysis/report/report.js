"use strict";

// The timelines of the test videos: a choice of trial and video, and one drawing that any part of the page may hold.
const timelines = (() => {
  const source = document.getElementById("timeline-data");
  if (!source) return null;
  const plain = ["ground truth", "pseudo labels"], colours = { truth: "#000000", labels: "#0072b2", own: "#009e73", other: "#d55e00" };
  const make = (tag, attributes, text) => {
    const node = document.createElementNS("http" + "://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const segments = (flat) => {
    const found = [];
    for (let i = 0; i < flat.length; i += 4) found.push({ start: flat[i] / 100, stop: flat[i + 1] / 100, label: flat[i + 2], strength: flat[i + 3] / 100 });
    return found;
  };
  const unpack = async () => {
    const bytes = Uint8Array.from(atob(source.textContent.trim()), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };
  const draw = (data, svg, trial, video) => {
    const tracks = Object.entries(trial.tracks).map(([name, place]) => [name, segments(data.tracks[place][video])]);
    const width = Math.max(300, svg.clientWidth || 800), left = 92, row = 40, height = row * tracks.length + 34;
    const end = data.ends[video] / 100 || 1, x = (seconds) => left + (width - left - 10) * seconds / end;
    const own = new Set(tracks[0][1].map((segment) => segment.label));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren();
    tracks.forEach(([track, found], place) => {
      svg.append(make("text", { x: 0, y: row * place + 22 }, track));
      for (const { start, stop, label, strength } of found) {
        const low = !plain.includes(track) && own.size && !own.has(label);
        const colour = track === plain[0] ? colours.truth : track === plain[1] ? colours.labels : low ? colours.other : colours.own;
        const bar = make("rect", { x: x(start), y: row * place + (low ? 28 : 6), width: Math.max(1, x(stop) - x(start)), height: low ? 7 : 20, fill: colour, "fill-opacity": plain.includes(track) ? 1 : 0.35 + 0.65 * strength, stroke: "#fff" });
        bar.append(make("title", {}, `${label < 0 ? "foreground" : data.classes[label]}: ${start} to ${stop} s`));
        svg.append(bar);
      }
    });
    for (let tick = 0; tick <= 4; tick++) {
      const at = end * tick / 4, anchor = tick === 4 ? "end" : tick ? "middle" : "start";
      svg.append(make("text", { x: x(at), y: height - 8, "text-anchor": anchor }, `${at.toFixed(at < 10 ? 1 : 0)} s`));
    }
  };
  return {
    data: unpack(),
    // Fill a copy of the template: choices of video and, without a name, of the trial.
    async show(place, name) {
      const parts = document.getElementById("timeline-parts").content.cloneNode(true), get = (part) => parts.querySelector(`.${part}`);
      const [trialChoice, videoChoice, previous, next, svg] = ["trial", "video", "previous", "next", "timeline"].map(get);
      let data;
      try { data = await this.data; } catch { place.textContent = "This browser cannot unpack the timelines."; return; }
      const trials = name ? data.trials.filter((trial) => trial.name === name) : data.trials;
      if (!trials.length) { place.textContent = document.getElementById("timelines-left-out")?.textContent ?? "No predictions of this trial are kept."; return; }
      trials.forEach((trial) => trialChoice.append(new Option(trial.title, trial.name)));
      trialChoice.parentElement.hidden = Boolean(name);
      data.videos.forEach((video) => videoChoice.append(new Option(video, video)));
      const labels = get("labels"), redraw = () => {
        const trial = trials[trialChoice.selectedIndex];
        labels.hidden = !(plain[1] in trial.tracks);
        draw(data, svg, trial, videoChoice.selectedIndex);
      };
      const move = (step) => { videoChoice.selectedIndex = (videoChoice.selectedIndex + step + data.videos.length) % data.videos.length; redraw(); };
      trialChoice.addEventListener("change", redraw);
      videoChoice.addEventListener("change", redraw);
      previous.addEventListener("click", () => move(-1));
      next.addEventListener("click", () => move(1));
      addEventListener("resize", redraw);
      place.replaceChildren(parts);
      redraw();
    },
  };
})();

if (timelines) timelines.show(document.getElementById("timeline-chosen"));

// The table of trials: sorted by a click on a column, filtered by words, a row's details below it.
(() => {
  const table = document.getElementById("trial-table"), body = table.tBodies[0], rows = [...body.rows], details = new Map();
  const heads = [...table.tHead.rows[0].cells], filter = document.getElementById("filter"), shown = document.getElementById("shown");
  const key = (row, column) => { const text = row.cells[column].textContent, number = parseFloat(text.replace(/^t(?=\d)/, "")); return Number.isNaN(number) ? text : number; };
  const compare = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
  const sort = (column) => {
    const down = heads[column].getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
    rows.sort((a, b) => { const x = key(a, column), y = key(b, column); return typeof x === typeof y ? down * compare(x, y) : compare(x, y); });
    body.append(...rows.flatMap((row) => details.has(row) ? [row, details.get(row)] : [row]));
  };
  const select = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (details.has(row)) details.get(row).hidden = row.hidden;
    });
    shown.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
  };
  const open = (row) => {
    const below = document.createElement("tr"), cell = document.createElement("td"), parts = document.getElementById("trial-parts").content.cloneNode(true);
    parts.querySelector(".numbers").textContent = row.dataset.numbers || "none";
    parts.querySelector("pre").textContent = table.dataset.rerun.replace(/TRIAL$/, row.id);
    cell.colSpan = heads.length;
    cell.append(parts);
    below.className = "below";
    below.append(cell);
    row.after(below);
    details.set(row, below);
    const place = below.querySelector(".timelines");
    if (timelines) timelines.show(place, row.id); else place.textContent = "This study keeps no predictions.";
  };
  const toggle = (row, button) => {
    if (details.has(row)) { details.get(row).remove(); details.delete(row); } else open(row);
    button.setAttribute("aria-expanded", String(details.has(row)));
  };
  heads.forEach((head, column) => {
    head.addEventListener("click", () => sort(column));
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(column); });
  });
  body.addEventListener("click", (event) => { const button = event.target.closest("button.more"); if (button) toggle(button.closest("tr"), button); });
  filter.addEventListener("input", select);
  // A link to a trial finds its row, whatever is filtered.
  addEventListener("hashchange", () => { const row = document.getElementById(location.hash.slice(1)); if (row?.hidden) { filter.value = ""; select(); row.scrollIntoView(); } });
  select();
})();
