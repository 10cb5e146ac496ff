// The keys 1 to 5, and 0 for none, told to the script; not while somebody types. Only the newest mount listens.

export default function ({ setTriggerValue }) {
  window.bgenRatingKeys?.abort();
  const listening = new AbortController();
  window.bgenRatingKeys = listening;
  document.addEventListener("keydown", (event) => {
    const typing = event.composedPath()[0].closest?.("input:not([type=radio]), textarea, [contenteditable]");
    if (typing || event.metaKey || event.ctrlKey || event.altKey || !/^[0-5]$/.test(event.key)) return;
    setTriggerValue("pressed", event.key);
  }, { signal: listening.signal });
  return () => listening.abort();
}
