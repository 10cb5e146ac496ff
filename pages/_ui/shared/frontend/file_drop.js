// A file that is dropped anywhere on the page goes into the page's one field for files, behind a button.

const FIELD_MS = 50; // how often the field is looked for, once its button is pressed
const FIELD_TRIES = 200;
const TRIES_A_CLICK = 40; // a popover that is just closing takes the click for its own
// A file that was refused stays there, and is in nobody's way.
const FILE_UNDER_WAY = "[data-testid=stFileChip]:not(:has([data-testid=stFileChipIconError]))";

const listening = new WeakMap();
let handed = Promise.resolve(); // one file after the other

export default function ({ data, parentElement }) {
  listening.get(parentElement)?.abort(); // this runs again with other data
  const controller = new AbortController();
  listening.set(parentElement, controller);
  listen(parentElement.querySelector(".notice"), data, { capture: true, signal: controller.signal });
  return () => listening.get(parentElement)?.abort();
}

function listen(notice, { button, field }, options) {
  const isOurs = (event) =>
    event.dataTransfer?.types.includes("Files") && !event.composedPath().some((node) => node.matches?.(field));
  window.addEventListener("dragover", (event) => {
    notice.hidden = !isOurs(event);
    if (!notice.hidden) event.preventDefault();
  }, options);
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) notice.hidden = true; // out of the window
  }, options);
  window.addEventListener("drop", (event) => {
    notice.hidden = true;
    if (!isOurs(event)) return;
    event.preventDefault(); // the browser would leave the page for the file
    const [file] = event.dataTransfer.files;
    if (file) handed = handed.then(() => hand(file, button, field));
  }, options);
}

async function hand(file, button, field) {
  const input = () => document.querySelector(`${field} input[type=file]`);
  const isTaken = () => document.querySelector(`${field} ${FILE_UNDER_WAY}`);
  for (let tries = 0; tries < FIELD_TRIES && (!input() || isTaken()); tries++) {
    if (!input() && tries % TRIES_A_CLICK === 0) document.querySelector(`${button} button`)?.click();
    await new Promise((done) => setTimeout(done, FIELD_MS));
  }
  if (!input()) return;
  const held = new DataTransfer();
  held.items.add(file);
  input().files = held.files;
  input().dispatchEvent(new Event("change", { bubbles: true }));
  await new Promise((done) => setTimeout(done, FIELD_MS)); // until the field shows it
}
