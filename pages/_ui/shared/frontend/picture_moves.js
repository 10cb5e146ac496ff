// Zoom, position, keys and alternation of the picture viewer.

function place(viewer) {
  const half = 0.5 / viewer.zoom;
  viewer.centre = viewer.centre.map((value) => Math.min(1 - half, Math.max(half, value)));
  const [x, y] = viewer.centre.map((value) => 100 * (0.5 - value * viewer.zoom));
  for (const { node, pictures } of viewer.frames) {
    node.classList.toggle("zoomed", viewer.zoom > 1);
    for (const picture of pictures) {
      picture.node.style.transform = `translate(${x}%, ${y}%) scale(${viewer.zoom})`;
      const perPixel = (node.clientWidth * viewer.zoom) / picture.run.width;
      picture.node.style.imageRendering = perPixel > 3 ? "pixelated" : "auto";
      if (!picture.full && wantsAllPixels(viewer, node, picture.run)) fetchAllPixels(picture);
    }
  }
  viewer.zoomText.textContent = viewer.zoom === 1 ? "fits" : `${viewer.zoom.toFixed(1)} ×`;
}

function wantsAllPixels(viewer, frame, run) {
  const small = run.width * Math.min(1, SMALL_SIDE / Math.max(run.width, run.height));
  return viewer.zoom > 1.5 || frame.clientWidth * viewer.zoom * devicePixelRatio > 1.3 * small;
}

function fetchAllPixels(picture) {
  picture.full = true;
  loaded(picture.run.full).then(
    () => { picture.node.src = picture.run.full; },
    () => { picture.full = false; },
  );
}

async function loaded(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

function highest(viewer) {
  return Math.max(MOST_PER_PIXEL, MOST_PER_PIXEL * oneToOne(viewer));
}

/** The zoom at which one pixel of the first picture takes one of the screen. */
function oneToOne(viewer) {
  const { node, pictures } = viewer.frames[0];
  return pictures[0].run.width / Math.max(1, node.clientWidth) / devicePixelRatio;
}

/** Zoom so that the point under `at` (fractions of the frame) stays where it is. */
function zoomTo(viewer, zoom, at = [0.5, 0.5]) {
  const wanted = Math.min(highest(viewer), Math.max(1, zoom));
  viewer.centre = viewer.centre.map((value, axis) => value + (at[axis] - 0.5) * (1 / viewer.zoom - 1 / wanted));
  viewer.zoom = wanted;
  place(viewer);
}

function moveTowards(viewer, direction) {
  viewer.centre = viewer.centre.map((value, axis) => value + (direction[axis] * STRIDE) / viewer.zoom);
  place(viewer);
}

function zoomBy(viewer, factor, at) {
  zoomTo(viewer, viewer.zoom * factor, at);
}

// ---- zoom and position in the address -----------------------------------------------------------------------------

const lastLook = { runs: "", zoom: 1, centre: [0.5, 0.5] }; // outlives a viewer: another panel takes its place for a while

/** What the address says, or where these very runs were last looked at. */
function whereToLook(data) {
  if (data.runs.map((run) => run.id).join() === lastLook.runs) return { zoom: lastLook.zoom, centre: lastLook.centre };
  const [x, y, zoom] = data.at.split(",").map(Number);
  return zoom > 1 ? { zoom, centre: [x, y] } : { zoom: 1, centre: [0.5, 0.5] };
}

/** Whether the address is this viewer's: after Back it names other runs for a while, until those are drawn. */
function isOfThese(viewer) {
  const ids = new URLSearchParams(location.search).get("ids")?.split(",");
  if (!ids) return true;
  const isWhole = ids.length === viewer.runs.length || viewer.runs.length === LETTERS.length;
  return isWhole && viewer.runs.every((run, place) => run.id.startsWith(ids[place]));
}

/**
 * Write where the pictures are looked at into the address, once the hand rests. Streamlit does not hear of it, and
 * writes its own parameters over it: so it is looked at again and again, as long as the viewer is there.
 */
function keepAddress(viewer) {
  Object.assign(lastLook, { runs: viewer.runs.map((run) => run.id).join(), zoom: viewer.zoom, centre: viewer.centre });
  const shares = viewer.centre.map((value) => Number(value.toFixed(5)));
  const look = viewer.zoom > 1 ? [...shares, Number(viewer.zoom.toFixed(3))].join() : "";
  const rests = look === viewer.look;
  viewer.look = look;
  if (!rests || location.pathname !== viewer.path || !isOfThese(viewer)) return;
  const [before, others] = [[], []];
  for (const part of location.search.slice(1).split("&")) {
    if (part) (part.startsWith("at=") ? before : others).push(part);
  }
  if (before.map((part) => decodeURIComponent(part.slice(3))).join() === look) return;
  const search = (look ? [...others, `at=${look}`] : others).join("&");
  history.replaceState(history.state, "", location.pathname + (search && `?${search}`) + location.hash);
}

function letDrag(viewer, frame) {
  const fractions = (event) => {
    const box = frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  frame.addEventListener("wheel", (event) => {
    // Without a key the wheel scrolls the page, unless the picture is zoomed already.
    if (!event.ctrlKey && !event.metaKey && viewer.zoom === 1) return;
    event.preventDefault();
    zoomBy(viewer, event.deltaY < 0 ? STEP : 1 / STEP, fractions(event));
  }, { passive: false });
  frame.ondblclick = (event) => zoomTo(viewer, viewer.zoom > 1 ? 1 : Math.max(2, oneToOne(viewer)), fractions(event));
  frame.onpointerdown = (event) => {
    viewer.root.focus({ preventScroll: true });
    if (viewer.zoom === 1 || event.button !== 0) return;
    frame.setPointerCapture(event.pointerId);
    frame.classList.add("dragging");
    let before = fractions(event);
    frame.onpointermove = (moved) => {
      const now = fractions(moved);
      viewer.centre = viewer.centre.map((value, axis) => value - (now[axis] - before[axis]) / viewer.zoom);
      before = now;
      place(viewer);
    };
  };
  frame.onpointerup = frame.onpointercancel = () => {
    frame.onpointermove = null;
    frame.classList.remove("dragging");
  };
}

function pressed(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const onButton = event.composedPath()[0].localName === "button";
  if (onButton && (event.key === " " || event.key === "Enter")) return;
  if (viewer.pageKeys && !event.shiftKey && /^(Arrow.*|[0-5])$/.test(event.key)) return;
  const towards = { ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowDown: [0, 1] }[event.key];
  const acts = {
    "+": () => zoomBy(viewer, STEP), "=": () => zoomBy(viewer, STEP), "-": () => zoomBy(viewer, 1 / STEP),
    "0": () => zoomTo(viewer, 1), "1": () => zoomTo(viewer, oneToOne(viewer)), f: () => fullScreen(viewer),
    Enter: () => viewer.open(viewer.runs[viewer.mode === "side" ? viewer.current : viewer.pair[1]].id),
    " ": () => {
      if (event.repeat) return;
      if (viewer.mode === "side") viewer.held = true;
      flick(viewer);
    },
  };
  if (towards) {
    const [right, down] = towards;
    acts[event.key] = () => (event.shiftKey ? moveTowards(viewer, towards) : walk(viewer, right + down, down !== 0));
  }
  const act = acts[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function walk(viewer, step, vertical) {
  const count = viewer.runs.length;
  if (viewer.mode === "side") {
    const columns = Number(viewer.stage.style.getPropertyValue("--columns"));
    const wanted = viewer.current + (vertical ? step * columns : step);
    if (wanted >= 0 && wanted < count) makeCurrent(viewer, wanted);
    return;
  }
  const which = vertical ? 0 : 1;
  let wanted = viewer.pair[which];
  do wanted = (wanted + step + count) % count; while (wanted === viewer.pair[1 - which]);
  choose(viewer, which, wanted);
}

function makeCurrent(viewer, index) {
  viewer.current = index;
  [...viewer.stage.children].forEach((figure, at) => figure.classList.toggle("current", at === index));
  viewer.stage.children[index]?.scrollIntoView({ block: "nearest" });
}

function choose(viewer, which, index) {
  const before = viewer.pair[which];
  viewer.pair = viewer.pair.map((other, at) => (at === which ? index : other === index ? before : other));
  draw(viewer);
  clearTimeout(viewer.telling);
  viewer.telling = setTimeout(() => viewer.tell("pair", viewer.pair), TELL_MS);
}

/** Show the other picture: for a moment in the grid, and until the next time elsewhere. */
function flick(viewer) {
  if (viewer.mode === "side") {
    viewer.frames.forEach(({ pictures: [picture] }, index) => {
      const run = viewer.held ? viewer.runs[0] : viewer.runs[index];
      picture.node.src = picture.full ? run.full : run.small;
    });
  } else if (viewer.mode === "slider") {
    viewer.divide(viewer.divided > 0.5 ? 0 : 1);
  } else if (viewer.mode === "flicker") {
    viewer.second = !viewer.second;
    showFlick(viewer);
  }
}

function showFlick(viewer) {
  viewer.frames[0].pictures.forEach(({ node }, at) => node.classList.toggle("hidden", at !== Number(viewer.second)));
  viewer.flickerTag.textContent = LETTERS[viewer.pair[Number(viewer.second)]];
}

function stop(viewer) {
  clearInterval(viewer.playing);
  viewer.playing = null;
}

function fullScreen(viewer) {
  const changed = document.fullscreenElement ? document.exitFullscreen() : viewer.root.requestFullscreen();
  changed.then(() => viewer.root.focus(), () => {});
}

function element(name, classes = "", text = "") {
  const made = document.createElement(name);
  made.className = classes;
  made.textContent = text;
  return made;
}

function button(text, explained, act) {
  const made = element("button", "", text);
  made.type = "button";
  made.title = explained;
  made.setAttribute("aria-label", explained);
  made.onclick = act;
  return made;
}
