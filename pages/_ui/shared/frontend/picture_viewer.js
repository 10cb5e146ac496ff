// Several pictures of equal importance: side by side, behind a divider, in alternation, or as their difference.
// All frames share one zoom and one position, in fractions of the picture, so that sizes need not agree.
//
// data: {mode, pair, at, label, runs, pageKeys}; pageKeys says what plain arrows and digits do on the page, which has them
// then; it is empty where they are the viewer's.

const LETTERS = "ABCDEFGHIJKL";
const NARROWEST = 150; // px of one picture
const LOWEST = 180; // px
const BELOW = 84; // px that stay free under the pictures, for what is said of them
const NARROW = 700; // px
const SHARE_OF_NARROW = 0.6;
const GAP = 12; // px between pictures
const SMALL_SIDE = 1024; // longest side of the version that is fetched first
const MOST_PER_PIXEL = 8; // screen pixels of one pixel of the picture at the highest zoom
const STEP = 1.25;
const STRIDE = 0.1; // of the part that is seen, at a press of Shift and an arrow
const FLICKER_MS = 500;
const ADDRESS_MS = 400; // zoom and position that were equal twice in a row go into the address
const TELL_MS = 400; // so that walking through pictures does not run the script at each of them

const viewers = new WeakMap();

export default inOrder(({ data, parentElement, setStateValue, setTriggerValue }) => {
  let viewer = viewers.get(parentElement);
  if (!viewer) {
    viewer = makeViewer(parentElement.querySelector(".viewer"));
    viewers.set(parentElement, viewer);
  }
  viewer.tell = setStateValue;
  viewer.open = (id) => setTriggerValue("opened", id);
  show(viewer, data);
  return () => {
    viewer.observer.disconnect();
    removeEventListener("resize", viewer.refit);
    clearInterval(viewer.addressing);
    clearInterval(viewer.playing);
    viewers.delete(parentElement);
  };
});

function makeViewer(root) {
  root.replaceChildren(); // Streamlit may end a component and begin it again on the same element
  const viewer = {
    root, mode: "", runs: [], pair: [0, 1], current: 0, zoom: 1, centre: [0.5, 0.5], divided: 0.5, second: true,
    held: false, playing: null, frames: [], telling: null,
    bar: root.appendChild(element("div", "bar")),
    stage: root.appendChild(element("div", "stage")),
    foot: root.appendChild(element("div", "legend")),
  };
  root.onkeydown = (event) => pressed(viewer, event);
  root.onkeyup = (event) => {
    if (event.key === " " && viewer.held) { viewer.held = false; flick(viewer); }
  };
  viewer.observer = new ResizeObserver(() => { arrangeColumns(viewer); place(viewer); });
  viewer.observer.observe(root);
  viewer.refit = () => { arrangeColumns(viewer); place(viewer); };
  addEventListener("resize", viewer.refit);
  viewer.path = location.pathname;
  viewer.addressing = setInterval(() => keepAddress(viewer), ADDRESS_MS);
  return viewer;
}

function show(viewer, data) {
  const sameRuns = data.runs.map((run) => run.id).join() === viewer.runs.map((run) => run.id).join();
  if (!sameRuns) {
    Object.assign(viewer, { current: 0, second: true, pair: data.pair, ...whereToLook(data) });
  }
  if (viewer.mode !== data.mode) stop(viewer);
  viewer.mode = data.mode;
  viewer.runs = data.runs;
  viewer.pageKeys = data.pageKeys;
  viewer.root.setAttribute("aria-label", data.label);
  draw(viewer);
  if (!sameRuns) zoomTo(viewer, viewer.zoom);
}

function draw(viewer) {
  keepingFocus(viewer, () => drawAll(viewer));
}

/** Draw anew, and give the focus back to what stands where the focused control stood. */
function keepingFocus(viewer, drawing) {
  const controls = () => [...viewer.root.querySelectorAll("button, [tabindex='0']")];
  const focused = controls().indexOf(viewer.root.getRootNode().activeElement);
  drawing();
  if (focused >= 0) controls()[focused]?.focus({ preventScroll: true });
}

function drawAll(viewer) {
  viewer.frames = [];
  viewer.stage.replaceChildren();
  viewer.foot.replaceChildren();
  drawBar(viewer);
  arrangeColumns(viewer);
  ({ side: drawSide, slider: drawSlider, flicker: drawFlicker, difference: drawHeat })[viewer.mode](viewer);
  arrangeColumns(viewer); // what stands above the pictures has its height now
  place(viewer);
}

// ---- the bar ------------------------------------------------------------------------------------------------------

function drawBar(viewer) {
  viewer.bar.replaceChildren();
  if (viewer.mode !== "side" && viewer.runs.length > 2) {
    ["First", "Second"].forEach((name, which) => {
      const group = viewer.bar.appendChild(element("span", "group"));
      group.append(element("span", "quiet", name));
      viewer.runs.forEach((run, index) => {
        const chosen = button(LETTERS[index], `${name} picture: ${run.title}`, () => choose(viewer, which, index));
        chosen.setAttribute("aria-pressed", viewer.pair[which] === index);
        group.append(chosen);
      });
    });
  }
  if (viewer.mode === "flicker") {
    const play = button(viewer.playing ? "Stop" : "Play", "Change between both twice a second", () => {
      if (viewer.playing) stop(viewer);
      else viewer.playing = setInterval(() => flick(viewer), FLICKER_MS);
      keepingFocus(viewer, () => drawBar(viewer));
    });
    play.setAttribute("aria-pressed", Boolean(viewer.playing));
    viewer.bar.append(play, button("Change", "Change to the other picture (space)", () => flick(viewer)));
  }
  const spaces = { side: "hold space: the first picture everywhere", slider: "space: the other side", flicker: "space changes" };
  const arrows = viewer.mode === "side" ? "← → choose · Enter opens" : "← → second picture · ↑ ↓ first";
  const several = viewer.runs.length > 1 ? [spaces[viewer.mode], viewer.pageKeys ? "" : arrows] : [];
  const zooms = ["+ − zoom", viewer.pageKeys || "0 fits", "drag or Shift + arrows move"];
  const keys = [...several, ...zooms].filter(Boolean).join(" · ");
  viewer.bar.appendChild(element("span", "quiet hint", keys)).title = keys; // it is cut off where it is too long
  const end = viewer.bar.appendChild(element("span", "group end"));
  viewer.zoomText = element("span", "zoom quiet");
  end.append(
    button("−", "Zoom out (−)", () => zoomBy(viewer, 1 / STEP)), viewer.zoomText,
    button("+", "Zoom in (+)", () => zoomBy(viewer, STEP)),
    button("Fit", `The whole picture${viewer.pageKeys ? "" : " (0)"}`, () => zoomTo(viewer, 1)),
    button("1:1", `One pixel of the picture on one of the screen${viewer.pageKeys ? "" : " (1)"}`,
      () => zoomTo(viewer, oneToOne(viewer))),
    button("Full screen", "Full screen (f)", () => fullScreen(viewer)),
  );
}

/** As many columns as make the pictures largest in what the window leaves them, in width and height. */
function arrangeColumns(viewer) {
  if (!viewer.runs.length) return;
  const setLayout = (columns, highest) => {
    viewer.stage.style.setProperty("--columns", columns);
    viewer.stage.style.setProperty("--highest", `${highest}px`);
  };
  const count = viewer.mode === "side" ? viewer.runs.length : 1;
  const width = viewer.root.clientWidth;
  if (innerWidth < NARROW) { // the page is scrolled there
    setLayout(Math.min(count, 2), SHARE_OF_NARROW * innerHeight);
    return;
  }
  const ratio = viewer.runs.reduce((sum, run) => sum + run.width / run.height, 0) / viewer.runs.length;
  const room = Math.max(1, Math.floor(width / NARROWEST));
  const captions = [...viewer.stage.querySelectorAll("figcaption")].map((caption) => caption.offsetHeight);
  const caption = Math.max(0, ...captions) + GAP;
  let best = { wide: 0 };
  for (let columns = 1; columns <= Math.min(count, room); columns += 1) {
    const highest = heightLeft(viewer) / Math.ceil(count / columns) - caption;
    const wide = Math.min((width - GAP * (columns - 1)) / columns, highest * ratio);
    if (wide > best.wide + 1) best = { columns, highest, wide };
  }
  setLayout(best.columns ?? Math.min(count, room), Math.max(LOWEST, best.highest ?? 0));
}

/** px of the window under the bar, whatever part of the page is scrolled to. */
function heightLeft(viewer) {
  const bar = viewer.bar.offsetHeight;
  if (document.fullscreenElement) return innerHeight - bar - 2 * GAP;
  const page = (viewer.root.getRootNode().host ?? viewer.root).closest("[data-testid=stMain]");
  const top = viewer.root.getBoundingClientRect().top + (page?.scrollTop ?? 0);
  return innerHeight - top - bar - BELOW;
}

// ---- the four ways ------------------------------------------------------------------------------------------------

function drawSide(viewer) {
  viewer.runs.forEach((run, index) => {
    const figure = viewer.stage.appendChild(element("figure"));
    figure.classList.toggle("current", index === viewer.current && viewer.runs.length > 1);
    figure.append(caption(viewer, [index]));
    const frame = figure.appendChild(makeFrame(viewer, run));
    addPicture(viewer, frame, index);
    frame.addEventListener("pointerdown", () => makeCurrent(viewer, index));
  });
}

function drawSlider(viewer) {
  const [figure, frame] = pairFigure(viewer);
  const [first, second] = viewer.pair;
  addPicture(viewer, frame, first);
  const layer = frame.appendChild(element("div", "layer"));
  addPicture(viewer, frame, second, layer);
  frame.append(element("span", "tag left", LETTERS[first]), element("span", "tag right", LETTERS[second]));
  const divider = frame.appendChild(element("div", "divider"));
  divider.tabIndex = 0;
  divider.setAttribute("role", "slider");
  divider.setAttribute("aria-label", `Divider between ${LETTERS[first]} and ${LETTERS[second]}`);
  const divide = (share) => {
    viewer.divided = Math.min(1, Math.max(0, share));
    divider.style.left = `${100 * viewer.divided}%`;
    layer.style.clipPath = `inset(0 0 0 ${100 * viewer.divided}%)`;
    divider.setAttribute("aria-valuenow", Math.round(100 * viewer.divided));
  };
  divider.onpointerdown = (event) => {
    event.stopPropagation();
    divider.setPointerCapture(event.pointerId);
    divider.onpointermove = ({ clientX }) => {
      const box = frame.getBoundingClientRect();
      divide((clientX - box.left) / box.width);
    };
  };
  divider.onpointerup = divider.onpointercancel = () => { divider.onpointermove = null; };
  divider.onkeydown = (event) => {
    if (event.shiftKey) return; // moves the pictures
    const steps = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
    if (steps === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    divide(viewer.divided + steps);
  };
  viewer.divide = divide;
  divide(viewer.divided);
  viewer.stage.append(figure);
}

function drawFlicker(viewer) {
  const [figure, frame] = pairFigure(viewer);
  viewer.pair.forEach((index) => addPicture(viewer, frame, index));
  viewer.flickerTag = frame.appendChild(element("span", "tag left"));
  showFlick(viewer);
  viewer.stage.append(figure);
}

function drawHeat(viewer) {
  const [figure, frame] = pairFigure(viewer);
  const [first, second] = viewer.pair.map((index) => viewer.runs[index]);
  const canvas = frame.appendChild(element("canvas", "picture"));
  canvas.setAttribute("role", "img");
  viewer.frames.at(-1).pictures.push({ node: canvas, run: first, full: true });
  viewer.stage.append(figure);
  const said = element("span", "said", "Comparing …");
  said.setAttribute("role", "status");
  viewer.foot.append(element("span", "quiet", "0"), element("span", "ramp"), element("span", "quiet", "255 levels"), said);
  // PNGs, not the smaller versions: those are lossy, and would differ where the pictures do not.
  Promise.all([loaded(first.full), loaded(second.full)]).then(([one, other]) => {
    if (!canvas.isConnected) return;
    const found = drawDifference(canvas, one, other);
    said.textContent = differenceSentence(found, first.width === second.width && first.height === second.height);
    canvas.setAttribute("aria-label", `Difference between ${first.title} and ${second.title}: ${said.textContent}`);
  }, () => { said.textContent = "One of the pictures could not be fetched: reload the page."; });
}

function pairFigure(viewer) {
  const figure = element("figure");
  figure.append(caption(viewer, viewer.pair));
  return [figure, figure.appendChild(makeFrame(viewer, viewer.runs[viewer.pair[0]]))];
}

function caption(viewer, indices) {
  const caption = element("figcaption");
  for (const index of indices) {
    const run = viewer.runs[index];
    const made = caption.appendChild(element("span"));
    if (viewer.runs.length > 1) made.append(element("b", "", LETTERS[index]));
    if (run.baseline) made.append(element("span", "badge", "baseline"));
    if (run.best) made.append(element("span", "badge best", run.best));
    for (const { text, whole } of run.badges) made.appendChild(element("span", "badge", text)).title = whole;
    const link = made.appendChild(element("a", "", "Open"));
    link.href = run.href;
    link.setAttribute("aria-label", `Open picture ${LETTERS[index]} on a page of its own`);
    link.onclick = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault(); // a plain link would begin a new session
      viewer.open(run.id);
    };
  }
  return caption;
}

function makeFrame(viewer, run) {
  const frame = element("div", "frame");
  frame.style.setProperty("--ratio", run.width / run.height);
  viewer.frames.push({ node: frame, pictures: [] });
  letDrag(viewer, frame);
  return frame;
}

function addPicture(viewer, frame, index, into = frame) {
  const run = viewer.runs[index];
  const image = into.appendChild(element("img", "picture"));
  image.src = run.small;
  image.alt = run.alt;
  image.draggable = false;
  viewer.frames.at(-1).pictures.push({ node: image, run, full: false });
}
