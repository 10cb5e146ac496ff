// A file that is dropped anywhere on the page goes into the page's one field for files, behind a button.

const FIELD_MS = 50; // how often the field is looked for, once its button is pressed
const FIELD_TRIES = 1200; // a busy server may take long
const TRIES_A_CLICK = 20; // a popover that is just closing takes the click for its own
const IDLE = "[data-testid=stApp][data-test-script-state=notRunning]";
// A file that was refused stays there, and is in nobody's way.
const FILE_UNDER_WAY = "[data-testid=stFileChip]:not(:has([data-testid=stFileChipIconError]))";

const listening = new WeakMap();
let handed = Promise.resolve(); // one file after the other

export default function ({ data, parentElement }) {
  listening.get(parentElement)?.abort(); // this runs again with other data
  const controller = new AbortController();
  listening.set(parentElement, controller);
  const [invitation, progress] = parentElement.querySelectorAll(".notice");
  listen(invitation, progress, data, { capture: true, signal: controller.signal });
  return () => listening.get(parentElement)?.abort();
}

function listen(invitation, progress, { button, field }, options) {
  const isOurs = (event) =>
    event.dataTransfer?.types.includes("Files") && !event.composedPath().some((node) => node.matches?.(field));
  window.addEventListener("dragover", (event) => {
    invitation.hidden = !isOurs(event);
    if (!invitation.hidden) event.preventDefault();
  }, options);
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) invitation.hidden = true; // out of the window
  }, options);
  window.addEventListener("drop", (event) => {
    invitation.hidden = true;
    if (!isOurs(event)) return;
    event.preventDefault(); // the browser would leave the page for the file
    const [file] = event.dataTransfer.files;
    if (file) handed = handed.then(() => tell(progress, file, hand(file, button, field)));
  }, options);
}

// Says that a file waits for a busy server, and where it could not be handed over: nothing is lost without a word.
async function tell(notice, file, handing) {
  const say = (text) => {
    notice.textContent = text;
    notice.hidden = !text;
  };
  const waiting = setTimeout(say, 1000, `Opening ${file.name} …`);
  const isHanded = await handing;
  clearTimeout(waiting);
  if (!isHanded) {
    say(`${file.name} could not be opened: choose it with “Open a file”.`);
    await new Promise((done) => window.addEventListener("pointerdown", done, { once: true }));
  }
  say("");
}

// Only between two runs of the page's script: what a run still has to say may close the popover, or replace the field.
async function hand(file, button, field) {
  const input = () => document.querySelector(IDLE) && document.querySelector(`${field} input[type=file]`);
  const isTaken = () => document.querySelector(`${field} ${FILE_UNDER_WAY}`);
  for (let tries = 0, next = 0; tries < FIELD_TRIES && (!input() || isTaken()); tries++) {
    if (tries >= next && document.querySelector(IDLE) && !document.querySelector(field)) {
      document.querySelector(`${button} button`)?.click();
      next = tries + TRIES_A_CLICK;
    }
    await new Promise((done) => setTimeout(done, FIELD_MS));
  }
  if (!input() || isTaken()) return false;
  const held = new DataTransfer();
  held.items.add(file);
  input().files = held.files;
  input().dispatchEvent(new Event("change", { bubbles: true }));
  await new Promise((done) => setTimeout(done, FIELD_MS)); // until the field shows it
  return true;
}
