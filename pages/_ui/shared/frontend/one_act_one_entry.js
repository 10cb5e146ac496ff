// One act of a person is one entry in the browser's history.
//
// Streamlit 1.67 makes an entry for every parameter that a page writes: Back then led to the same page several times, and
// what a page writes while the next one is being opened still stood under the old page's path, as a run without its id.
{
  let isMade = true; // what a page writes by itself when it is opened belongs to the entry that led there
  const push = history.pushState;
  history.pushState = function (state, title, address) {
    if (isMade) return history.replaceState(state, title, address);
    isMade = true;
    return push.call(history, state, title, address);
  };
  const begin = () => { isMade = false; };
  for (const act of ["pointerdown", "click", "keydown", "drop"]) addEventListener(act, begin, { capture: true });
  addEventListener("popstate", () => { isMade = true; });
}
