// Arranges the pictures of a report: axes across and down, size, badge, and which are shown.
//
// The page stands without this script: it moves the figures that are there, and writes what people typed as text alone.
// main[data-axes]   [{"label", "values"}]; the axes, each with the texts of its values
// main[data-shown]  [across, down], places in it or -1
// figure[data-at]   the picture's place on each axis; [data-search] what its filter looks at; [data-stars];
//                   [data-badges] the texts of the badges that main[data-badges] names
"use strict";

(() => {
  const main = document.querySelector("main");
  const axes = JSON.parse(main.dataset.axes);
  const badges = JSON.parse(main.dataset.badges);
  const stage = document.getElementById("pictures");
  const told = document.getElementById("told");
  const [across, down] = JSON.parse(main.dataset.shown);
  const state = { across, down, size: "m", badge: "", words: "", stars: 0 };
  const figures = [...stage.querySelectorAll(".place")].map((place) => ({
    place,
    at: JSON.parse(place.dataset.at),
    search: place.dataset.search.toLowerCase(),
    stars: Number(place.dataset.stars),
    badges: JSON.parse(place.dataset.badges),
  }));
  document.body.classList.add("scripted");

  const element = (name, kind = "", text = "") => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text) made.textContent = text;
    return made;
  };

  // "seed 2" is not "seed 20": a phrase that ends with a digit ends where the number does.
  const holds = (text, phrase) => {
    for (let at = text.indexOf(phrase); at >= 0; at = text.indexOf(phrase, at + 1)) {
      const next = text.slice(at + phrase.length, at + phrase.length + 2);
      if (!/\d$/.test(phrase) || !/^\.?\d/.test(next)) return true;
    }
    return false;
  };

  const isShown = (figure) =>
    figure.stars >= state.stars &&
    state.words
      .toLowerCase()
      .split(",")
      .map((phrase) => phrase.trim())
      .every((phrase) => !phrase || holds(figure.search, phrase));

  // Long prompts that begin alike are told apart by what differs: the words that all share at both ends are left out.
  const short = (axis) => {
    const split = axes[axis].values.map((value) => value.split(" "));
    if (axes[axis].values.every((value) => value.length <= 40)) return axes[axis].values;
    const fewest = Math.min(...split.map((words) => words.length)) - 1;
    let first = 0;
    while (first < fewest && split.every((words) => words[first] === split[0][first])) first += 1;
    return split.map((words) => {
      const rest = words.slice(first).join(" ");
      const cut = rest.length > 80 ? `${rest.slice(0, 79)}…` : rest;
      return first ? `… ${cut}` : cut;
    });
  };

  const heading = (axis, place, scope) => {
    const head = element("th", "", short(axis)[place] || "(none)");
    head.scope = scope;
    head.title = axes[axis].values[place];
    return head;
  };

  const table = (found) => {
    const made = element("table", "grid");
    const columns = state.across < 0 ? [-1] : axes[state.across].values.map((_, place) => place);
    const rows = state.down < 0 ? [-1] : axes[state.down].values.map((_, place) => place);
    const signs = [[state.down, "↓"], [state.across, "→"]].filter(([axis]) => axis >= 0);
    if (state.across >= 0) {
      const head = made.createTHead().insertRow();
      head.append(element("td", "faint", signs.map(([axis, sign]) => `${axes[axis].label} ${sign}`).join(" ")));
      columns.forEach((place) => head.append(heading(state.across, place, "col")));
    }
    const body = made.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      line.append(row < 0 ? element("td") : heading(state.down, row, "row"));
      for (const column of columns) {
        const cell = line.insertCell();
        found
          .filter(({ at }) => (row < 0 || at[state.down] === row) && (column < 0 || at[state.across] === column))
          .forEach(({ place }) => cell.append(place));
      }
      // A row or column of which the filter leaves nothing is not worth the way past it
      if (!found.some((each) => isShown(each) && (row < 0 || each.at[state.down] === row))) line.hidden = true;
    }
    return made;
  };

  const pages = () => {
    const others = axes.map((_, axis) => axis).filter((axis) => axis !== state.across && axis !== state.down);
    const grouped = new Map();
    for (const figure of figures) {
      const key = others.map((axis) => String(figure.at[axis]).padStart(6, "0")).join();
      grouped.set(key, [...(grouped.get(key) ?? []), figure]);
    }
    return [...grouped].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, found]) => {
      const title = others.map((axis) => `${axes[axis].label} ${short(axis)[found[0].at[axis]]}`).join(" · ");
      return { title, found };
    });
  };

  const cards = () => {
    const made = element("div", "cards");
    figures.forEach(({ place }) => made.append(place));
    return [made];
  };

  const arrange = () => {
    const made = [];
    if (state.across < 0 && state.down < 0) made.push(...cards());
    else
      for (const { title, found } of pages()) {
        if (!found.some(isShown)) continue;
        if (title) made.push(element("h3", "", title));
        const box = element("div", "scroll");
        box.tabIndex = 0;
        box.setAttribute("role", "region");
        box.setAttribute("aria-label", title || "Pictures");
        box.append(table(found));
        made.push(box);
      }
    stage.replaceChildren(...made);
    show();
  };

  const show = () => {
    stage.className = `size-${state.size}`;
    let shown = 0;
    for (const figure of figures) {
      const passes = isShown(figure);
      shown += passes;
      figure.place.classList.toggle("left-out", !passes);
      const badge = figure.place.querySelector(".badge");
      if (badge) badge.textContent = state.badge === "" ? "" : figure.badges[Number(state.badge)];
    }
    told.textContent = shown === figures.length ? `${shown} pictures` : `${shown} of ${figures.length} pictures`;
  };

  const control = (label, field) => {
    const made = element("label", "", `${label} `);
    made.append(field);
    return made;
  };

  const choice = (label, options, value, chosen) => {
    const field = element("select");
    for (const [name, text] of options) {
      const option = element("option", "", text);
      option.value = name;
      option.selected = String(name) === String(value);
      field.append(option);
    }
    field.addEventListener("change", () => chosen(field.value));
    return control(label, field);
  };

  const fields = {};
  const axisChoice = (name, other, label) => {
    const options = [[-1, "–"], ...axes.map((axis, place) => [place, axis.label])];
    fields[name] = choice(label, options, state[name], (value) => {
      const before = state[name];
      state[name] = Number(value);
      if (state[name] >= 0 && state[name] === state[other]) {
        state[other] = before;
        fields[other].querySelector("select").value = String(before);
      }
      arrange();
    });
    return fields[name];
  };

  const bar = document.getElementById("bar");
  if (axes.length) bar.append(axisChoice("across", "down", "Across"), axisChoice("down", "across", "Down"));
  bar.append(
    choice("Size", [["s", "S"], ["m", "M"], ["l", "L"], ["fit", "Fit"]], state.size, (value) => {
      state.size = value;
      show();
    }),
  );
  if (badges.length)
    bar.append(
      choice("On the pictures", [["", "nothing"], ...badges.map((text, place) => [place, text])], "", (value) => {
        state.badge = value;
        show();
      }),
    );
  if (figures.some(({ stars }) => stars))
    bar.append(
      choice("Rated", [[0, "any"], ...[1, 2, 3, 4, 5].map((stars) => [stars, `${stars} ★ or more`])], 0, (value) => {
        state.stars = Number(value);
        arrange();
      }),
    );
  const words = element("input");
  words.type = "search";
  words.placeholder = "forest, seed 2";
  words.addEventListener("input", () => {
    state.words = words.value.trim();
    arrange();
  });
  bar.append(control("Filter", words));
  arrange();
})();
