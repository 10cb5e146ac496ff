// The grid of a sweep: any one or two axes across, any one or two down, the others at one value or stacked.
//
// data: {axes, shown, places, aspect, prompt, ticked, ticking, badges, heat}
//   axes     [{name, label, values, short}] in the plan's order: the last varies fastest
//   shown    {across, down: names, the outer axis first; at: name -> place or "all"; hide: name -> places;
//            size: "fit" | "s" | "m" | "l"; badge: a name of badges, or ""}
//   places   for each index of the plan: null (nothing yet), 0 (left out),
//            {p: content address, r: run, stars, u: content address of the explored picture,
//             and where other seeds were tried n: which one is shown, t: what they gave, w: whether one is under way},
//            {e: why there is none, x: 1 where it was stopped early}, {s: [step, of], v: preview}; the last two may have u as well
//   aspect   [width, height] of the places
//   prompt   begins the pictures' texts
//   ticked   indices; ticking: whether cells have a box to tick
//   badges   [[name, label]]; heat: index -> [0 to 1, text] for the chosen badge
// Told as the event "bgen-grid" of the document, for the component beside it, since what is told here would run a
// fragment alone. detail is one of: {shown}, {opened: {index, rows}}, {rated: {index, stars}}, {ticked}.
// All arranging is done here at once; the script hears of it for the address.

const WIDTHS = { s: 96, m: 176, l: 352 };
const NARROWEST = 64;
const WIDEST = 440;
const EDGE = 96; // px of a column of row labels
const MOST_IN_A_ROW = 6; // more values of a single axis flow over several rows
const SPARE = 14; // px for the scroll bar and the box's border

const grids = new WeakMap();

export default inOrder(({ data, parentElement }) => {
  const root = parentElement.querySelector(".sweep-grid");
  let grid = grids.get(root);
  if (!grid) grids.set(root, (grid = makeGrid(root)));
  receive(grid, data);
  return () => {
    grid.observer.disconnect();
    grid.dialogs.disconnect();
    window.removeEventListener("resize", grid.fit);
    grids.delete(root);
  };
});

function makeGrid(root) {
  const grid = { root, cells: new Map(), told: [], received: "", drawn: "" };
  root.replaceChildren(); // Streamlit may end a component and begin it again on the same element
  grid.bar = root.appendChild(element("div", "bar"));
  grid.box = root.appendChild(element("div", "box"));
  grid.fit = () => fit(grid);
  grid.observer = new ResizeObserver(grid.fit);
  grid.observer.observe(root);
  window.addEventListener("resize", grid.fit);
  grid.dialogs = new MutationObserver(() => comeBack(grid));
  grid.box.addEventListener("click", (event) => clicked(grid, event));
  grid.box.addEventListener("keydown", (event) => pressed(grid, event));
  return grid;
}

/** Take what the script says; an arrangement that was told from here and comes back late changes nothing. */
function receive(grid, data) {
  const key = JSON.stringify(data.shown);
  const echo = grid.told.indexOf(key);
  if (echo >= 0) grid.told.splice(0, echo + 1);
  else if (key !== grid.received) grid.shown = structuredClone(data.shown);
  grid.received = key;
  grid.data = data;
  const ticks = JSON.stringify(data.ticked);
  if (ticks !== grid.ticksReceived) grid.ticked = new Set(data.ticked);
  grid.ticksReceived = ticks;
  draw(grid);
}

function tell(detail) {
  document.dispatchEvent(new CustomEvent("bgen-grid", { detail }));
}

function rearrange(grid, change) {
  change(grid.shown);
  tidy(grid.shown, grid.data.axes);
  grid.told.push(JSON.stringify(grid.shown));
  tell({ shown: structuredClone(grid.shown) });
  draw(grid);
}

/** Every axis lies in one place, and what lies nowhere has a page. */
function tidy(shown, axes) {
  const lying = [...shown.across, ...shown.down];
  shown.at = Object.fromEntries(
    axes.filter(({ name }) => !lying.includes(name)).map(({ name }) => [name, shown.at[name] ?? 0]));
  shown.hide = Object.fromEntries(Object.entries(shown.hide).filter(([, places]) => places.length));
}

function draw(grid) {
  const { axes, places, aspect, ticking, badges } = grid.data;
  grid.root.style.setProperty("--aspect", `${aspect[0]} / ${aspect[1]}`);
  grid.root.classList.toggle("ticking", ticking);
  const drawn = JSON.stringify([axes, grid.shown, badges, places.length]);
  if (drawn !== grid.drawn) {
    grid.drawn = drawn;
    drawBar(grid);
    drawTables(grid);
  }
  // The others wait until they are drawn: to fill all cells of a large sweep takes longer than to draw a page of it.
  for (const index of grid.rows.flat()) fill(grid, index, places[index]);
  fit(grid);
}

// ---- the cells ----------------------------------------------------------------------------------------------------

function cellOf(grid, index) {
  let cell = grid.cells.get(index);
  if (!cell) {
    cell = element("div", "cell");
    cell.dataset.index = index;
    grid.cells.set(index, cell);
  }
  return cell;
}

function fill(grid, index, place) {
  const cell = cellOf(grid, index);
  const heat = grid.data.heat[index];
  const isTicked = grid.ticked.has(index);
  const state = JSON.stringify([place, heat, isTicked, grid.data.ticking, grid.shown.badge, grid.data.prompt]);
  if (cell.bgenState === state) return;
  cell.bgenState = state;
  cell.className = `cell${place === 0 ? " left-out" : ""}${isTicked ? " ticked" : ""}`;
  const parts = [];
  if (place?.p) {
    const link = element("a");
    link.href = `run?id=${place.r}`;
    link.tabIndex = -1; // the cell takes the keys, and one cell alone is on the way of Tab
    const image = link.appendChild(picture(place.p, describe(grid, index, place)));
    if (cell.querySelector("a img")?.src === image.src) { // keeps the picture that is there: no flash
      image.replaceWith(cell.querySelector("a img"));
      link.firstChild.alt = describe(grid, index, place);
    }
    parts.push(link);
    if (place.u) parts.push(inset(place.u));
    if (grid.data.ticking) {
      const box = element("input", "tick");
      Object.assign(box, { type: "checkbox", tabIndex: -1, checked: isTicked, ariaLabel: `Finish ${describe(grid, index)}` });
      parts.push(box);
    }
  } else if (place?.e) {
    parts.push(element("div", place.x ? "why stopped" : "why", place.e));
  } else if (place?.v) {
    const preview = element("img");
    Object.assign(preview, { src: place.v, alt: `Preview after step ${place.s[0]}` });
    parts.push(preview);
  } else if (place?.u) {
    const explored = picture(place.u, `${describe(grid, index)}, explored`);
    explored.className = "explored";
    parts.push(explored);
  }
  if (place?.n) {
    const tried = element("span", "steps tried", place.w ? `attempt ${place.n} …` : `attempt ${place.n}`);
    tried.title = place.t;
    parts.push(tried);
  }
  if (place?.s) parts.push(element("span", "steps", `${place.s[0]}/${place.s[1]}`));
  if (grid.shown.badge === "stars" && place?.stars) parts.push(element("span", "badge", "★".repeat(place.stars)));
  if (heat) {
    const badge = element("span", "badge heat", heat[1]);
    badge.style.setProperty("--heat", `${Math.round(heat[0] * 100)}%`);
    parts.push(badge);
  }
  cell.replaceChildren(...parts);
}

function picture(address, alt) {
  const image = element("img");
  Object.assign(image, { loading: "lazy", decoding: "async", src: `i/${address}.webp?side=512`, alt });
  return image;
}

function inset(address) {
  const image = picture(address, "Explored with few steps");
  image.className = "inset";
  image.title = "As it was explored";
  return image;
}

/** What a cell shows, for those who do not see it: its prompt, its value on every axis, and other seeds that were tried. */
function describe(grid, index, place) {
  const { axes, prompt } = grid.data;
  const labels = [];
  for (const { label, values } of axes.toReversed()) {
    labels.unshift(`${label} ${values[index % values.length]}`);
    index = Math.floor(index / values.length);
  }
  const texts = !prompt || axes.some(({ name }) => name === "prompt") ? labels : [prompt, ...labels];
  return [...texts, ...(place?.t ? [place.t] : [])].join(", ");
}

// ---- the tables ---------------------------------------------------------------------------------------------------

function axisOf(grid, name) { return grid.data.axes.find((axis) => axis.name === name); }

function placesOf(grid, name) {
  const hidden = grid.shown.hide[name] ?? [];
  return axisOf(grid, name).values.map((_, place) => place).filter((place) => !hidden.includes(place));
}

/** All combinations of the values that are shown of these axes, the last axis fastest: [{name: place}]. */
function product(grid, names) {
  return names.reduce(
    (made, name) => made.flatMap((each) => placesOf(grid, name).map((place) => ({ ...each, [name]: place }))), [{}]);
}

function indexAt(grid, places) {
  return grid.data.axes.reduce((index, { name, values }) => index * values.length + (places[name] ?? 0), 0);
}

function drawTables(grid) {
  const { across, down, at } = grid.shown;
  const stacked = Object.keys(at).filter((name) => at[name] === "all");
  const columns = product(grid, across);
  const rows = product(grid, down);
  grid.rows = [];
  grid.count = { columns: columns.length, rows: rows.length };
  grid.flowing = !down.length && across.length === 1 && columns.length > MOST_IN_A_ROW && !stacked.length;
  const sections = product(grid, stacked).map((page) => {
    const section = element("section");
    const fixed = { ...at, ...page };
    if (stacked.length) {
      section.append(element("h3", "page", stacked.map((name) => labelOf(grid, name, page[name], true)).join(" · ")));
    }
    const numbered = rows.map((row) => columns.map((column) => indexAt(grid, { ...fixed, ...row, ...column })));
    grid.rows.push(...numbered);
    section.append(grid.flowing ? flow(grid, columns, numbered[0]) : table(grid, rows, columns, numbered));
    return section;
  });
  grid.box.replaceChildren(...sections);
  for (const cell of grid.cells.values()) cell.tabIndex = -1;
  const first = grid.rows[0]?.[0];
  if (first !== undefined) cellOf(grid, first).tabIndex = 0;
}

function flow(grid, columns, indices) {
  const list = element("div", "flow");
  const [name] = grid.shown.across;
  list.append(...indices.map((index, at) => {
    const item = element("div");
    item.append(label(grid, name, columns[at][name]), cellOf(grid, index));
    return item;
  }));
  return list;
}

function table(grid, rows, columns, numbered) {
  const { across, down } = grid.shown;
  const made = element("table");
  const head = made.appendChild(element("thead"));
  across.forEach((name, level) => {
    const line = head.appendChild(element("tr"));
    if (!level && down.length) {
      const corner = line.appendChild(element("th", "corner"));
      corner.colSpan = down.length;
      corner.rowSpan = across.length;
      for (const [names, sign] of [[down, "↓"], [across, "→"]]) {
        corner.append(element("span", "", `${names.map((each) => axisOf(grid, each).label).join(", ")} ${sign} `));
      }
    }
    for (const { combination, length } of runs(columns, across.slice(0, level + 1))) {
      const heading = line.appendChild(element("th"));
      heading.scope = "col";
      heading.colSpan = length;
      heading.append(label(grid, name, combination[name]));
    }
  });
  const body = made.appendChild(element("tbody"));
  rows.forEach((row, at) => {
    const line = body.appendChild(element("tr"));
    down.forEach((name, level) => {
      const group = runs(rows, down.slice(0, level + 1)).find(({ first }) => first === at);
      if (!group) return;
      const heading = line.appendChild(element("th", `edge edge-${level}`));
      heading.scope = "row";
      heading.rowSpan = group.length;
      heading.append(label(grid, name, row[name]));
    });
    for (const index of numbered[at]) line.appendChild(element("td")).append(cellOf(grid, index));
  });
  return made;
}

/** Neighbours that agree in these axes, as one heading over all of them. */
function runs(combinations, names) {
  const found = [];
  combinations.forEach((combination, first) => {
    const last = found.at(-1);
    if (last && names.every((name) => last.combination[name] === combination[name])) last.length += 1;
    else found.push({ combination, first, length: 1 });
  });
  return found;
}

function labelOf(grid, name, place, isLong = false) {
  const axis = axisOf(grid, name);
  const text = axis.short[place] || "(none)";
  return isLong ? `${axis.label} ${text}` : text;
}

/** A value at the edge; a click hides it. */
function label(grid, name, place) {
  const axis = axisOf(grid, name);
  const made = element("button", "label", labelOf(grid, name, place));
  made.title = axis.values[place] || "(none)";
  if (placesOf(grid, name).length > 1) {
    made.title += "\nClick to hide";
    made.onclick = () => {
      rearrange(grid, (shown) => { shown.hide[name] = [...(shown.hide[name] ?? []), place].toSorted((a, b) => a - b); });
      grid.bar.querySelector(`[data-shows="${name} ${place}"]`).focus({ preventScroll: true }); // this label is gone
    };
  }
  return made;
}

/** "fit" shows the whole page in the window where its pictures stay large enough to be seen. */
function fit(grid) {
  if (!grid.count) return;
  const { columns, rows } = grid.count;
  const [width, height] = grid.data.aspect;
  const top = grid.box.getBoundingClientRect().top + window.scrollY;
  const room = Math.max(260, window.innerHeight - Math.min(top, 260) - 24);
  const edge = EDGE * grid.shown.down.length;
  let size = WIDTHS[grid.shown.size];
  if (!size) {
    const wide = (grid.root.clientWidth - edge - SPARE) / (grid.flowing ? MOST_IN_A_ROW : columns) - 5;
    const high = ((room - 34 * Math.max(1, grid.shown.across.length)) / (grid.flowing ? 1 : rows) - 5) * (width / height);
    size = Math.max(NARROWEST, Math.min(WIDEST, wide, high));
  }
  grid.root.style.setProperty("--cell", `${Math.floor(size)}px`);
  grid.box.style.maxHeight = `${room}px`;
}

// ---- the bar above ------------------------------------------------------------------------------------------------

function drawBar(grid) {
  const { axes, badges } = grid.data;
  const { across, down, at, hide, size, badge } = grid.shown;
  const parts = [];
  if (axes.length > 1) {
    parts.push(lying(grid, "Across", "across", 0), ...(axes.length > 2 ? [lying(grid, "then", "across", 1)] : []));
    const swap = element("button", "plain", "⇄");
    Object.assign(swap, { title: "Exchange rows and columns", ariaLabel: "Swap rows and columns" });
    swap.onclick = () => rearrange(grid, (shown) => { [shown.across, shown.down] = [shown.down, shown.across]; });
    parts.push(swap, lying(grid, "Down", "down", 0), ...(axes.length > 2 ? [lying(grid, "then", "down", 1)] : []));
    for (const { name, label: heading, values } of axes.filter((axis) => axis.name in at)) {
      const options = [...values.map((_, place) => [String(place), labelOf(grid, name, place)]), ["all", "all, stacked"]];
      parts.push(chooser(heading, options, String(at[name]), (chosen) =>
        rearrange(grid, (shown) => { shown.at[name] = chosen === "all" ? "all" : Number(chosen); }), `${heading} shown`));
    }
  }
  for (const [name, places] of Object.entries(hide)) {
    for (const place of places) {
      const back = element("button", "hidden-value", `${labelOf(grid, name, place, true)} ＋`);
      back.title = "Hidden; click to show";
      back.dataset.shows = `${name} ${place}`;
      back.onclick = () => rearrange(grid, (shown) => { shown.hide[name] = hide[name].filter((each) => each !== place); });
      parts.push(back);
    }
  }
  const end = element("span", "end");
  end.append(chooser("Badge", [["", "none"], ...badges], badge, (chosen) => rearrange(grid, (shown) => { shown.badge = chosen; })));
  const sizes = end.appendChild(element("span", "sizes"));
  Object.assign(sizes, { role: "group", ariaLabel: "Cell size" });
  for (const each of ["fit", "s", "m", "l"]) {
    const button = sizes.appendChild(element("button", "", each === "fit" ? "Fit" : each.toUpperCase()));
    button.setAttribute("aria-pressed", String(each === size));
    button.onclick = () => rearrange(grid, (shown) => { shown.size = each; });
  }
  const held = grid.root.getRootNode().activeElement;
  const focused = [...grid.bar.querySelectorAll("select, button")].indexOf(held);
  grid.bar.replaceChildren(...parts, end);
  if (focused >= 0) grid.bar.querySelectorAll("select, button")[focused]?.focus();
}

/** The chooser of the axis that lies in one place; the axis that lay there goes where the chosen one was. */
function lying(grid, heading, side, level) {
  const here = grid.shown[side][level] ?? "";
  const options = grid.data.axes.map(({ name, label: text }) => [name, text]);
  const isOptional = level > 0 || (side === "down" && grid.shown.across.length > 1);
  return chooser(heading, isOptional ? [["", "–"], ...options] : options, here, (chosen) => rearrange(grid, (shown) => {
    for (const each of ["across", "down"]) {
      shown[each] = shown[each].map((name) => (name === chosen ? here : name)).filter(Boolean);
    }
    if (!chosen) shown[side].splice(level, 1);
    else if (shown[side].includes(here) && here && !(level >= shown[side].length)) shown[side][level] = chosen;
    else shown[side].splice(level, 0, chosen);
    shown[side] = [...new Set(shown[side])].slice(0, 2);
    if (!shown.across.length) [shown.across, shown.down] = [[shown.down[0]], shown.down.slice(1)];
  }), level > 0 ? `${side === "across" ? "Across" : "Down"}, inner axis` : heading);
}

function chooser(heading, options, chosen, change, spoken = heading) {
  const field = element("label", "field");
  field.append(element("span", "", heading));
  const select = field.appendChild(element("select"));
  select.ariaLabel = spoken;
  for (const [value, text] of options) {
    const option = select.appendChild(element("option", "", text));
    option.value = value;
  }
  select.value = chosen;
  select.onchange = () => change(select.value);
  return field;
}

// ---- hands --------------------------------------------------------------------------------------------------------

function clicked(grid, event) {
  const cell = event.target.closest?.(".cell");
  if (!cell || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (event.target.closest(".tick")) tick(grid, Number(cell.dataset.index));
  else if (event.target.closest("a")) {
    event.preventDefault();
    open(grid, Number(cell.dataset.index));
  }
}

function open(grid, index) {
  cellOf(grid, index).focus({ preventScroll: true });
  grid.opened = index;
  grid.dialogs.observe(document.body, { childList: true });
  tell({ opened: { index, rows: grid.rows } });
}

/** Streamlit's dialog gives the keys back to nobody when it closes: the cell that was opened takes them. */
function comeBack(grid) {
  const isOpen = Boolean(document.querySelector("[role=dialog]"));
  if (grid.sawDialog && !isOpen) {
    grid.dialogs.disconnect();
    if (document.activeElement === document.body) cellOf(grid, grid.opened).focus({ preventScroll: true });
  }
  grid.sawDialog = isOpen;
}

function tick(grid, index) {
  if (!grid.ticked.delete(index)) grid.ticked.add(index);
  fill(grid, index, grid.data.places[index]);
  tell({ ticked: [...grid.ticked].toSorted((a, b) => a - b) });
}

const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function pressed(grid, event) {
  const cell = event.target.closest?.(".cell");
  if (!cell || event.metaKey || event.ctrlKey || event.altKey) return;
  const index = Number(cell.dataset.index);
  const place = grid.data.places[index];
  if (event.key in MOVES) {
    const row = grid.rows.findIndex((each) => each.includes(index));
    const [down, across] = MOVES[event.key];
    const next = grid.rows[row + down]?.[grid.rows[row].indexOf(index) + across];
    if (next === undefined) return;
    cell.tabIndex = -1;
    cellOf(grid, next).tabIndex = 0;
    cellOf(grid, next).focus();
  } else if (!place?.p) return;
  else if (event.key === "Enter") open(grid, index);
  else if (event.key === "x" && grid.data.ticking) tick(grid, index);
  else if (/^[0-5]$/.test(event.key)) tell({ rated: { index, stars: Number(event.key) } });
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
