// ArrowLeft and ArrowRight vote, beside the keys that the buttons have themselves: they press the button, so that a vote
// takes the one way there is. A select box or a switch keeps the focus after a choice: its field would take the keys.
// Only the newest mount listens.

const chosen = new WeakMap();
const buttons = { ArrowLeft: ".st-key-vote_a button", ArrowRight: ".st-key-vote_b button" };
const takesArrows = "input, textarea, select, [contenteditable], [role=radiogroup], [role=listbox], [role=slider]";

export default function ({ data, parentElement }) {
  const now = JSON.stringify(data);
  if (chosen.has(parentElement) && chosen.get(parentElement) !== now) document.activeElement?.blur();
  chosen.set(parentElement, now);

  window.bgenVoteKeys?.abort();
  const listening = new AbortController();
  window.bgenVoteKeys = listening;
  document.addEventListener("keydown", (event) => {
    const isOthers = event.repeat || event.metaKey || event.ctrlKey || event.altKey || event.shiftKey;
    if (isOthers || !buttons[event.key] || event.composedPath()[0].closest?.(takesArrows)) return;
    const button = document.querySelector(buttons[event.key]);
    if (!button) return;
    event.preventDefault();
    button.click();
  }, { signal: listening.signal });
  return () => listening.abort();
}
