"""Clicks on the grid's pictures, told to the script: a plain link would begin a new session."""

from streamlit.components.v2 import component

# Only the newest mount listens; a click with a key held opens the link as everywhere else.
_JS = """
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
"""

_listener = component("bgen_cell_clicks", js=_JS)


def clicked_cell() -> int | None:
    """Index of the grid's cell that was clicked just now, or None."""
    clicked = _listener(key="cell_clicks", on_cell_change=lambda: None).cell
    return int(clicked) if isinstance(clicked, int | float) else None
