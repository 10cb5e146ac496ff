// How far a sweep is, in the tab's title; and a notification when it is over, for who does not look.
//
// data: {id, title, state, done, total}
// Only what was seen under way here is told of when it is over: who opens an old sweep hears nothing.

const OWN = "bgen";
const UNDER_WAY = ["queued", "running"];
const WANTED = "bgen-notify"; // "on" in localStorage, written by notify_button.js

export default inOrder(({ data }) => {
  const told = (window.bgenTold ??= { seen: new Set() });
  told.title = titleOf(told, data);
  told.watch ??= new MutationObserver(() => show(told)); // Streamlit writes its own with each run of the page
  told.watch.observe(document.querySelector("title"), { childList: true });
  show(told);
  return () => {
    told.watch.disconnect();
    document.title = OWN;
  };
});

function show(told) {
  if (document.title !== told.title) document.title = told.title;
}

function titleOf({ seen }, data) {
  const { id, state, done, total } = data;
  if (UNDER_WAY.includes(state)) {
    seen.add(id);
    return `${done}/${total} · ${OWN}`;
  }
  if (seen.has(id)) notify(data);
  else if (window.bgenTold.over !== id) return OWN;
  seen.delete(id);
  window.bgenTold.over = id;
  return `${state} · ${OWN}`;
}

function notify({ id, title, state, done, total }) {
  if (!document.hidden || localStorage.getItem(WANTED) !== "on" || window.Notification?.permission !== "granted") return;
  const shown = new Notification(`${OWN}: ${state}`, { body: `${done} of ${total} pictures · ${title}`, tag: id });
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
}
