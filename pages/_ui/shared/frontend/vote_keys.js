// A select box or a switch keeps the focus after a choice: its field would take the keys that vote.

const chosen = new WeakMap();

export default function ({ data, parentElement }) {
  const now = JSON.stringify(data);
  if (chosen.has(parentElement) && chosen.get(parentElement) !== now) document.activeElement?.blur();
  chosen.set(parentElement, now);
}
