// ArrowLeft and ArrowRight vote, beside the keys that the buttons have themselves: they press the button, so that a vote
// takes the one way there is. A select box or a switch keeps the focus after a choice: its field would take the keys.
// The second click of a double click, and what a key that is held repeats, would vote on the next pair, unseen: neither counts.
// Only the newest mount listens.

const chosen = new WeakMap();
const buttons = { ArrowLeft: ".st-key-vote_a button", ArrowRight: ".st-key-vote_b button" };
const votes = ".st-key-vote_a, .st-key-vote_tie, .st-key-vote_b";
const voteKeys = ["0", "1", "2"];
const takesArrows = "input, textarea, select, [contenteditable], [role=radiogroup], [role=listbox], [role=slider]";

export default function ({ data, parentElement }) {
  const now = JSON.stringify(data);
  if (chosen.has(parentElement) && chosen.get(parentElement) !== now) document.activeElement?.blur();
  chosen.set(parentElement, now);

  window.bgenVoteKeys?.abort();
  const listening = new AbortController();
  window.bgenVoteKeys = listening;
  const { signal } = listening;
  const stop = (event) => {
    event.stopImmediatePropagation();
    event.preventDefault();
  };
  document.addEventListener("click", (event) => {
    if (event.detail > 1 && event.composedPath()[0].closest?.(votes)) stop(event);
  }, { capture: true, signal });
  window.addEventListener("keydown", (event) => {
    const field = event.composedPath()[0];
    const writes = field.closest?.("input, textarea, select, [contenteditable]");
    if (event.repeat && (voteKeys.includes(event.key) && !writes || ["Enter", " "].includes(event.key) && field.closest?.(votes))) {
      stop(event);
    }
  }, { capture: true, signal });
  document.addEventListener("keydown", (event) => {
    const isOthers = event.repeat || event.metaKey || event.ctrlKey || event.altKey || event.shiftKey;
    if (isOthers || !buttons[event.key] || event.composedPath()[0].closest?.(takesArrows)) return;
    const button = document.querySelector(buttons[event.key]);
    if (!button) return;
    event.preventDefault();
    button.click();
  }, { signal });
  return () => listening.abort();
}
