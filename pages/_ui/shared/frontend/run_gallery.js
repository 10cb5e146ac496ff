// Thumbnails of runs in a box with its own scroll, as a gallery or as a grid with headings: ticked, rated, opened.
//
// data: {
//   label,
//   runs: [{id, small, alt, ratio, note, value, detail}],   the listed runs from place `begin` on
//   begin, before, whole,                            names of the list up to `begin` and of all of it: what was given
//                                                    before is not given again, as long as the list begins alike
//   ratings,                                         a digit for each listed run, also before `begin`; 0 for none
//   chosen: [id],                                    all chosen runs in their order, also those that are not listed
//   total,                                           of the runs that can be listed
//   grid: null | {across, down, columns: [text], rows: [text], cells: [[[place in runs]]]},
//   card,                                            width of a thumbnail in px
//   turn,                                            the last turn that was heard of; later ticks are not in `chosen`
// }
// State "chosen": {ids, turn}: all chosen runs after a tick; turn counts ticks, so that the same ids are told again.
// State "rated": {ratings: {id: 0..5}, turn}: what was rated here and is not yet in `runs`.
// Trigger "more": how many runs are listed when the end is in sight. Trigger "opened": id of a run.
// Trigger "lacking": the list up to `begin` is not the one that is here, so that it has to be given whole.

const LETTERS = "ABCDEFGHIJKL";
const MOST_STARS = 5;
const LEAST_HEIGHT = 260; // px
const BELOW = 24; // px that stay free under the box
const NEAR_END = 800; // px
const IN_A_CELL = 3;

const galleries = new WeakMap();

export default inOrder(({ data, parentElement, setStateValue, setTriggerValue }) => {
  let gallery = galleries.get(parentElement);
  if (!gallery) {
    gallery = makeGallery(parentElement.querySelector(".gallery"));
    galleries.set(parentElement, gallery);
  }
  gallery.tell = setStateValue;
  gallery.trigger = setTriggerValue;
  show(gallery, data);
  return () => {
    removeEventListener("resize", gallery.fit);
    gallery.observer.disconnect();
    galleries.delete(parentElement);
  };
});

function makeGallery(root) {
  root.replaceChildren(); // Streamlit may end a component and begin it again on the same element
  const gallery = { root, runs: [], names: new Map(), chosen: [], cards: new Map(), shape: "", ratings: {}, turn: 0, asked: 0 };
  gallery.fit = () => fit(gallery);
  gallery.observer = new ResizeObserver(gallery.fit);
  gallery.observer.observe(document.body);
  addEventListener("resize", gallery.fit);
  root.onscroll = () => askForMore(gallery);
  root.onkeydown = (event) => pressed(gallery, event);
  return gallery;
}

function show(gallery, data) {
  const earlier = data.begin ? gallery.runs.slice(0, data.begin) : [];
  if (data.begin && gallery.names.get(data.begin) !== data.before) {
    if (gallery.lacking !== data.before) setTimeout(() => gallery.trigger("lacking", data.begin));
    gallery.lacking = data.before;
    return;
  }
  gallery.lacking = null;
  const runs = [...earlier, ...data.runs].map((run, place) => ({ ...run, rating: Number(data.ratings[place]) }));
  if (!data.begin) gallery.names.clear();
  gallery.names.set(runs.length, data.whole);
  for (const { id, rating } of runs) if (gallery.ratings[id] === rating) delete gallery.ratings[id];
  gallery.root.setAttribute("aria-label", data.label);
  gallery.root.style.setProperty("--card", `${data.card}px`);
  const ids = runs.map((run) => run.id);
  const shape = JSON.stringify(data.grid);
  const before = gallery.runs.length;
  // What is there stays: it may have the focus, and a grid's cell may have been opened with "more"
  const stays = shape === gallery.shape && gallery.runs.every((run, place) => run.id === ids[place]);
  const grows = stays && (data.grid ? runs.length === before : before > 0);
  if (data.turn >= gallery.turn) Object.assign(gallery, { chosen: [...data.chosen], turn: data.turn });
  Object.assign(gallery, { runs, total: data.total, shape });
  if (grows) {
    for (const run of runs.slice(before)) gallery.list.append(card(gallery, run));
  } else {
    gallery.cards.clear();
    gallery.asked = 0;
    gallery.root.replaceChildren(data.grid ? grid(gallery, data.grid) : list(gallery));
  }
  gallery.end.textContent = runs.length < data.total ? `${runs.length} of ${data.total} …` : "";
  refresh(gallery);
  fit(gallery);
}

function list(gallery) {
  const whole = document.createDocumentFragment();
  gallery.list = whole.appendChild(element("div", "cards"));
  for (const run of gallery.runs) gallery.list.append(card(gallery, run));
  gallery.end = whole.appendChild(element("div", "end"));
  return whole;
}

function grid(gallery, { across, down, columns, rows, cells }) {
  const whole = document.createDocumentFragment();
  const table = whole.appendChild(element("table"));
  const head = table.appendChild(element("thead")).appendChild(element("tr"));
  const corner = head.appendChild(element("th", "corner", [down && `${down} ↓`, across && `${across} →`].filter(Boolean).join("  ")));
  corner.scope = "col";
  for (const text of columns) head.appendChild(element("th", "", text)).scope = "col";
  const body = table.appendChild(element("tbody"));
  rows.forEach((text, row) => {
    const line = body.appendChild(element("tr"));
    line.appendChild(element("th", "", text)).scope = "row";
    for (const places of cells[row]) fillCell(gallery, line.appendChild(element("td")), places);
  });
  gallery.end = whole.appendChild(element("div", "end"));
  return whole;
}

function fillCell(gallery, cell, places) {
  const cards = cell.appendChild(element("div", "cards"));
  for (const place of places.slice(0, IN_A_CELL)) cards.append(card(gallery, gallery.runs[place]));
  if (places.length <= IN_A_CELL) return;
  const more = cell.appendChild(element("button", "more", `${places.length - IN_A_CELL} more`));
  more.onclick = () => {
    for (const place of places.slice(IN_A_CELL)) cards.append(card(gallery, gallery.runs[place]));
    more.remove();
    refresh(gallery);
  };
}

function card(gallery, run) {
  const figure = element("figure", "card");
  const pick = figure.appendChild(element("button", "pick"));
  pick.title = run.alt;
  pick.dataset.id = run.id;
  pick.style.setProperty("--ratio", run.ratio);
  const image = pick.appendChild(element("img"));
  Object.assign(image, { src: run.small, alt: run.alt, loading: "lazy", draggable: false });
  pick.onclick = () => toggle(gallery, run.id);
  pick.ondblclick = () => gallery.trigger("opened", run.id);
  const letter = figure.appendChild(element("span", "letter"));
  const foot = figure.appendChild(element("div", "foot"));
  const said = foot.appendChild(element("span", "said"));
  const note = said.appendChild(element("span", "note", run.note));
  const value = said.appendChild(element("span", "value", run.value));
  const stars = foot.appendChild(element("span", "stars"));
  for (let given = 1; given <= MOST_STARS; given += 1) {
    const star = stars.appendChild(element("button", "", "★"));
    star.tabIndex = -1; // the picture takes the keys 1 to 5
    star.setAttribute("aria-label", `${given} of ${MOST_STARS} stars`);
    star.onclick = () => rate(gallery, run.id, given === ratingOf(gallery, run.id) ? 0 : given);
  }
  const detail = figure.appendChild(element("div", "detail", run.detail));
  gallery.cards.set(run.id, { pick, letter, stars, note, value, detail });
  return figure;
}

/** Ticks, letters, ratings and notes as they are now. */
function refresh(gallery) {
  for (const run of gallery.runs) {
    const shown = gallery.cards.get(run.id);
    if (!shown) continue;
    const place = gallery.chosen.indexOf(run.id);
    shown.pick.setAttribute("aria-pressed", place >= 0);
    shown.letter.hidden = place < 0;
    shown.letter.textContent = LETTERS[place] ?? "✓";
    shown.note.textContent = run.note;
    shown.value.textContent = run.value;
    shown.detail.textContent = run.detail;
    shown.detail.hidden = !run.detail;
    const rating = gallery.ratings[run.id] ?? run.rating;
    shown.stars.classList.toggle("rated", rating > 0);
    [...shown.stars.children].forEach((star, index) => star.classList.toggle("given", index < rating));
  }
}

function toggle(gallery, id) {
  gallery.chosen = gallery.chosen.includes(id) ? gallery.chosen.filter((each) => each !== id) : [...gallery.chosen, id];
  refresh(gallery);
  gallery.turn += 1;
  gallery.tell("chosen", { ids: gallery.chosen, turn: gallery.turn });
}

function rate(gallery, id, rating) {
  gallery.ratings[id] = rating;
  refresh(gallery);
  gallery.turn += 1;
  gallery.tell("rated", { ratings: { ...gallery.ratings }, turn: gallery.turn });
}

function ratingOf(gallery, id) {
  return gallery.ratings[id] ?? gallery.runs.find((run) => run.id === id).rating;
}

function pressed(gallery, event) {
  const pick = event.target.closest?.(".pick");
  if (!pick || event.ctrlKey || event.metaKey || event.altKey) return;
  const { key } = event;
  if (/^[0-5]$/.test(key)) rate(gallery, pick.dataset.id, Number(key));
  else if (key === "o") gallery.trigger("opened", pick.dataset.id);
  else if (key.startsWith("Arrow")) neighbour(gallery, pick, key)?.focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** The nearest picture in that direction, by what is on the screen. */
function neighbour(gallery, pick, key) {
  const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const from = middle(pick);
  let best = null;
  let least = Infinity;
  for (const { pick: other } of gallery.cards.values()) {
    const to = middle(other);
    const [ahead, aside] = x ? [x * (to[0] - from[0]), Math.abs(to[1] - from[1])] : [y * (to[1] - from[1]), Math.abs(to[0] - from[0])];
    const distance = ahead + 3 * aside;
    if (ahead > 4 && distance < least) [best, least] = [other, distance];
  }
  return best;
}

function middle(node) {
  const box = node.getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
}

function askForMore(gallery) {
  const { scrollTop, clientHeight, scrollHeight } = gallery.root;
  if (gallery.runs.length >= gallery.total || gallery.asked >= gallery.runs.length) return;
  if (scrollHeight - scrollTop - clientHeight > NEAR_END) return;
  gallery.asked = gallery.runs.length;
  gallery.trigger("more", gallery.runs.length);
}

/** As high as the window from where the box begins. */
function fit(gallery) {
  const host = gallery.root.getRootNode().host ?? gallery.root;
  const page = host.closest("[data-testid=stMain]");
  const top = gallery.root.getBoundingClientRect().top + (page?.scrollTop ?? 0);
  const height = Math.max(LEAST_HEIGHT, innerHeight - top - BELOW);
  if (Math.abs(height - gallery.height) < 2) return;
  gallery.height = height;
  gallery.root.style.maxHeight = `${height}px`;
}

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
