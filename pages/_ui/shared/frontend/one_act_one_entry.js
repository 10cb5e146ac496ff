// One act of a person is one entry in the browser's history.
//
// Streamlit 1.67 makes an entry for every parameter that a page writes: Back then led to the same page several times, and
// what a page writes while the next one is being opened still stood under the old page's path, as a run without its id.
//
// A cell that is opened large is an entry: Back closes it. Walking on to another cell is none, and closing it by hand goes
// back to the entry before it.
{
  let isMade = true; // what a page writes by itself when it is opened belongs to the entry that led there
  let isOpened = false; // by an entry of its own
  const push = history.pushState;
  history.pushState = function (state, title, address) {
    const before = parts(location.href);
    const after = parts(address ?? location.href);
    const isSamePage = before.rest === after.rest;
    if (isMade || (isSamePage && before.cell && after.cell)) return history.replaceState(state, title, address);
    isMade = true;
    if (isSamePage && before.cell) {
      if (isOpened) return history.back();
      return history.replaceState(state, title, address);
    }
    isOpened = Boolean(isSamePage && after.cell);
    return push.call(history, state, title, address);
  };
  function parts(address) {
    const { pathname, searchParams } = new URL(address, location.href);
    const cell = searchParams.get("cell");
    searchParams.delete("cell");
    searchParams.delete("at"); // where its picture is looked at
    searchParams.sort();
    return { cell, rest: `${pathname}?${searchParams}` };
  }
  const begin = () => { isMade = false; };
  for (const act of ["pointerdown", "click", "keydown", "drop"]) addEventListener(act, begin, { capture: true });
  addEventListener("popstate", () => {
    isMade = true;
    isOpened = false;
  });
}
