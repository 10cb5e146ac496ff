// Clicks on the grid's pictures, told to the script: a plain link would begin a new session.
// Only the newest mount listens; a click with a key held opens the link as everywhere else.

export default function ({ setTriggerValue }) {
  window.bgenCellClicks?.abort();
  const listening = new AbortController();
  window.bgenCellClicks = listening;
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-cell]");
    if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    setTriggerValue("cell", Number(link.dataset.cell));
  }, { signal: listening.signal });
  return () => listening.abort();
}
