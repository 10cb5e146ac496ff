// Clicks on the headings of a table that shows one page of its rows: they are told, so that all rows are sorted.
//
// data: {table, headings, round}: a selector of the table's place, the headings as they were handed to it, and a number
// that is another one after each click. Tells "sorted": {heading, descending, isChosen}; isChosen where a direction was
// chosen in the heading's menu.
//
// Streamlit 1.67 sorts the rows in the browser, tells nobody, and has no switch for it; but it then marks the heading
// with an arrow, which stands in what the grid says to screen readers.

const DESCENDING = { "↑ ": false, "↓ ": true };

const watching = new WeakMap();

export default inOrder(({ data, parentElement, setTriggerValue }) => {
  watching.get(parentElement)?.abort(); // this runs again with other data
  const controller = new AbortController();
  watching.set(parentElement, controller);
  watch(data, (sorted) => setTriggerValue("sorted", sorted), controller);
  return () => watching.get(parentElement)?.abort();
});

function watch({ table, headings }, tell, controller) {
  const known = new Set(headings);
  let isChosen = false;
  window.addEventListener("click", (event) => {
    isChosen = Boolean(event.target.closest?.("[role=menuitem]"));
  }, { capture: true, signal: controller.signal });
  const observer = new MutationObserver(() => {
    for (const { textContent: text } of document.querySelectorAll(`${table} [role=columnheader]`)) {
      const [arrow, heading] = [text.slice(0, 2), text.slice(2)];
      if (known.has(text) || !known.has(heading) || !(arrow in DESCENDING)) continue;
      controller.abort(); // the next table is watched by the next call
      tell({ heading, descending: DESCENDING[arrow], isChosen });
      return;
    }
  });
  controller.signal.addEventListener("abort", () => observer.disconnect());
  observer.observe(document.querySelector(table), { subtree: true, childList: true, characterData: true });
}
