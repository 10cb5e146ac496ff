// A file that is dropped anywhere on the page goes into the page's one field for files, behind a button.

const FIELD_MS = 50; // how often the field is looked for, once its button is pressed
const FIELD_TRIES = 200;

const listening = new WeakMap();

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
    if (file) hand(file, button, `${field} input[type=file]`);
  }, options);
}

async function hand(file, button, field) {
  const input = () => document.querySelector(field);
  if (!input()) document.querySelector(`${button} button`)?.click();
  for (let tries = 0; tries < FIELD_TRIES && !input(); tries++) await new Promise((done) => setTimeout(done, FIELD_MS));
  if (!input()) return;
  const held = new DataTransfer();
  held.items.add(file);
  input().files = held.files;
  input().dispatchEvent(new Event("change", { bubbles: true }));
}
