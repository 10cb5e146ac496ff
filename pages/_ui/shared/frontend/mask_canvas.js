// What the drawing package's canvas lacks: it fits its column, has no toolbar of its own over the page's, and wheel and
// drag look at another part of the photo.
//
// data: {place, beside, width, height, zoomed, look}: selectors of the canvas's place and of the picture's beside it,
//   their size, whether there is something beyond the frame, and a text that is another one for each part of the photo.
// "looked": {steps, x, y} after the wheel, with the pointer's place in shares of the canvas; {right, down} after a drag,
//   in shares of it too.

const REST_MS = 300; // the canvas sends what was drawn after 200
const NOTCH = 120; // what most wheels turn by at a time
const PINCHED = 12; // a pinch comes as a wheel's event with small numbers
const FORGIVEN_MS = 2000; // a drag that the page does not answer

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  .dc-toolbar { display: none !important } /* it has a style of its own */
  .dc-root { width: calc(var(--canvas-width) * var(--canvas-fit)) }
  .dc-scroll { overflow: clip; height: calc(var(--canvas-height) * var(--canvas-fit)) }
  .dc-container {
    transform-origin: 0 0;
    transform: translate(var(--dragged-x, 0), var(--dragged-y, 0)) scale(var(--canvas-fit));
  }
`);

export default inOrder(({ data, setTriggerValue }) => {
  window.bgenMaskCanvas?.abort(); // this runs again with other data
  const listening = new AbortController();
  window.bgenMaskCanvas = listening;
  whenThere(data.beside, listening.signal, (beside) => keepAspect(beside, data, listening.signal));
  whenThere(data.place, listening.signal, (place) => {
    keepAspect(place, data, listening.signal);
    fit(place, data, listening.signal);
    const looked = (what) => setTriggerValue("looked", what);
    turn(place, data, looked, listening.signal);
    drag(place, data, looked, listening.signal);
  });
  return () => listening.abort();
});

// The places are drawn after this, in the same moment or some frames later.
function whenThere(selector, signal, act) {
  if (signal.aborted) return;
  const found = document.querySelector(selector);
  if (found) act(found);
  else requestAnimationFrame(() => whenThere(selector, signal, act));
}

// Streamlit gives a place the height of a column that is wide enough.
function keepAspect(place, { width, height }, signal) {
  const measure = () => {
    const fit = Math.min(1, place.clientWidth / width);
    place.style.setProperty("--canvas-fit", fit);
    place.parentElement.style.flexBasis = `${fit * height}px`;
  };
  const measuring = new ResizeObserver(measure);
  measure();
  measuring.observe(place);
  signal.addEventListener("abort", () => measuring.disconnect());
}

function fit(place, { width, height, look }, signal) {
  place.style.setProperty("--canvas-width", `${width}px`);
  place.style.setProperty("--canvas-height", `${height}px`);
  // What lies in a shadow root is not observed: it is filled in the moment in which its host is drawn, or soon after
  let waiting = 0;
  const dress = () => {
    if (signal.aborted) return;
    let isDressed = false;
    for (const node of place.querySelectorAll("*")) {
      const root = node.shadowRoot;
      if (!root) continue;
      isDressed = true;
      if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    }
    cancelAnimationFrame(waiting);
    if (!isDressed) waiting = requestAnimationFrame(dress);
  };
  const dressing = new MutationObserver(dress);
  dressing.observe(place, { childList: true, subtree: true });
  dress();
  if (place.dataset.look !== look) stay(place);
  place.dataset.look = look;
  signal.addEventListener("abort", () => {
    dressing.disconnect();
  });
}

function stay(place) {
  place.style.removeProperty("--dragged-x");
  place.style.removeProperty("--dragged-y");
}

function paper(event) {
  return event.composedPath().find((node) => node.classList?.contains("upper-canvas"));
}

// Without Ctrl the wheel scrolls the page, unless the photo is zoomed already: as in the picture viewer.
function turn(place, data, looked, signal) {
  let turned = 0;
  let resting = 0;
  place.addEventListener("wheel", (event) => {
    const canvas = paper(event);
    if (!canvas || !(event.ctrlKey || event.metaKey || data.zoomed)) return;
    event.preventDefault();
    turned -= event.ctrlKey && Math.abs(event.deltaY) < NOTCH / 2 ? event.deltaY * PINCHED : event.deltaY;
    const box = canvas.getBoundingClientRect();
    const at = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    clearTimeout(resting);
    resting = setTimeout(() => {
      const steps = Math.sign(turned) * Math.max(1, Math.round(Math.abs(turned) / (2 * NOTCH)));
      turned = 0;
      if (steps) looked({ steps, ...at });
    }, REST_MS);
  }, { passive: false, signal });
  signal.addEventListener("abort", () => clearTimeout(resting));
}

// With the middle button, or with the space bar held: the other button paints.
function drag(place, data, looked, signal) {
  if (!data.zoomed) return;
  let isOver = false;
  let isHeld = false;
  const options = { capture: true, signal };
  place.addEventListener("pointerover", (event) => { isOver = Boolean(paper(event)); }, options);
  place.addEventListener("pointerleave", () => { isOver = false; }, { signal });
  const held = (event) => {
    const isTyping = event.composedPath()[0].closest?.("input:not([type=radio]), textarea, [contenteditable]");
    if (event.key !== " " || isTyping || !(isOver || isHeld)) return;
    event.preventDefault(); // no scrolling, and no press of the button that was touched last
    event.stopPropagation();
    isHeld = event.type === "keydown";
  };
  document.addEventListener("keydown", held, options);
  document.addEventListener("keyup", held, options);

  const mine = (event) => paper(event) && (event.button === 1 || (event.button === 0 && isHeld));
  const keepFromPainting = (event) => {
    if (!mine(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  place.addEventListener("mousedown", keepFromPainting, options);
  place.addEventListener("pointerdown", (event) => {
    const canvas = paper(event);
    if (!mine(event)) return;
    keepFromPainting(event);
    const box = canvas.getBoundingClientRect();
    const dragging = new AbortController();
    const moved = ({ clientX, clientY }) => [clientX - event.clientX, clientY - event.clientY];
    window.addEventListener("pointermove", (now) => {
      const [x, y] = moved(now);
      place.style.setProperty("--dragged-x", `${x}px`);
      place.style.setProperty("--dragged-y", `${y}px`);
    }, { signal: dragging.signal });
    const end = (now) => {
      dragging.abort();
      const [x, y] = moved(now);
      setTimeout(stay, FORGIVEN_MS, place);
      if (x || y) looked({ right: -x / box.width, down: -y / box.height });
    };
    window.addEventListener("pointerup", end, { signal: dragging.signal });
    window.addEventListener("pointercancel", end, { signal: dragging.signal });
  }, options);
}
