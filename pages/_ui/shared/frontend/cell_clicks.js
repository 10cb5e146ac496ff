// What is done in the grid, told to the whole script: the grid itself is drawn by a fragment, which alone would run.
// Only the newest mount listens. See sweep_grid.js for what is told.

export default function ({ setStateValue, setTriggerValue }) {
  window.bgenCellClicks?.abort();
  const listening = new AbortController();
  window.bgenCellClicks = listening;
  document.addEventListener("bgen-grid", ({ detail }) => {
    if (detail.shown) setStateValue("shown", detail.shown);
    if (detail.ticked) setStateValue("ticked", detail.ticked);
    if (detail.opened) setTriggerValue("opened", detail.opened);
    if (detail.rated) setTriggerValue("rated", detail.rated);
  }, { signal: listening.signal });
  return () => listening.abort();
}
