// The Sweep page's sidebar comes a moment after the page. Its room is kept, and what stands beside it is shown with it
// (streamlit.css), so that nothing moves: nor where there is none, since nothing was cut out yet.
if (/\/sweep$/.test(location.pathname)) {
  const LONGEST = 3000; // ms: a page that is slow is better seen moving than not at all
  const root = document.documentElement;
  let hasRun = false;
  root.classList.add("awaits-sidebar");
  const end = () => {
    root.classList.remove("awaits-sidebar");
    watch.disconnect();
  };
  const watch = new MutationObserver(() => {
    const state = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState;
    if (state === "running" && !hasRun) {
      hasRun = true;
      setTimeout(end, LONGEST);
    }
    if (document.querySelector("[data-testid=stSidebar]") || (hasRun && state === "notRunning")) end();
  });
  watch.observe(document, { childList: true, subtree: true, attributeFilter: ["data-test-script-state"] });
}
