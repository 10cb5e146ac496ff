// A file that is dropped or pasted anywhere on the page goes into the page's one field for files, behind a button.
//
// data: {button, field, invitation, label, round, several}: selectors of the button's and the field's places, what stands
// over the page while a file is above it, the button's words, a number that grows with each file that the page has taken,
// and what is said of several files at once; empty where the first of them is taken.

const FIELD_MS = 50; // how often the field is looked for, once its button is pressed
const FIELD_TRIES = 1200; // a busy server may take long
const TRIES_A_CLICK = 20; // a popover that is just closing takes the click for its own
const IDLE = "[data-testid=stApp][data-test-script-state=notRunning]";
// A file that was refused stays there, and is in nobody's way.
const REFUSED = "[data-testid=stFileChipIconError]";
const FILE_UNDER_WAY = `[data-testid=stFileChip]:not(:has(${REFUSED}))`;
const ANY_FIELD = "[data-testid=stFileUploaderDropzone]"; // takes what is dropped on it by itself
const TIMES = 5; // a field that is replaced at that moment takes its file along
const LOOKS = 5; // at a field that stays the same: one that was just drawn loses what it is given

const listening = new WeakMap();
let handed = Promise.resolve(); // one file after the other
let round = 0;

export default inOrder(({ data, parentElement }) => {
  listening.get(parentElement)?.abort(); // this runs again with other data
  round = data.round;
  const controller = new AbortController();
  listening.set(parentElement, controller);
  const [invitation, progress] = parentElement.querySelectorAll(".notice");
  invitation.textContent = data.invitation;
  listen(invitation, progress, data, { capture: true, signal: controller.signal });
  return () => listening.get(parentElement)?.abort();
});

function listen(invitation, progress, { button, field, label, several }, options) {
  const isOurs = (event) =>
    event.dataTransfer?.types.includes("Files") && !event.composedPath().some((node) => node.matches?.(`${field}, ${ANY_FIELD}`));
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
    take(event.dataTransfer.files);
  }, options);
  window.addEventListener("paste", (event) => {
    if (!event.clipboardData?.types.includes("text/plain")) take(event.clipboardData?.files ?? []);
  }, options);
  function take([file, second]) {
    if (second && several) handed = handed.then(() => sayUntilAnswered(progress, several));
    else if (file) handed = handed.then(() => tell(progress, file, label, hand(file, button, field)));
  }
}

// Says that a file waits for a busy server, and where it could not be handed over: nothing is lost without a word.
async function tell(notice, file, label, handing) {
  const say = (text) => {
    notice.textContent = text;
    notice.hidden = !text;
  };
  const waiting = setTimeout(say, 1000, `Opening ${file.name} …`);
  const isHanded = await handing;
  clearTimeout(waiting);
  if (!isHanded) await sayUntilAnswered(notice, `${file.name} could not be opened: choose it with “${label}”.`);
  say("");
}

async function sayUntilAnswered(notice, text) {
  notice.textContent = text;
  notice.hidden = false;
  const answered = new AbortController();
  await new Promise((done) => {
    for (const act of ["pointerdown", "keydown"]) window.addEventListener(act, done, { signal: answered.signal });
  });
  answered.abort();
  notice.hidden = true;
}

async function hand(file, button, field) {
  for (let time = 0; time < TIMES; time++) {
    const before = round;
    const input = await freeField(button, field);
    if (!input) return false;
    const held = new DataTransfer();
    held.items.add(file);
    input.files = held.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    if (await isTaken(input, field, before)) return true;
  }
  return false;
}

// Only between two runs of the page's script: what a run still has to say may close the popover, or replace the field.
async function freeField(button, field) {
  let last = null;
  let looks = 0;
  for (let tries = 0, next = 0; tries < FIELD_TRIES; tries++) {
    const isFree = document.querySelector(IDLE) && !document.querySelector(`${field} ${FILE_UNDER_WAY}`);
    const input = isFree && document.querySelector(`${field} input[type=file]`);
    looks = input && input === last ? looks + 1 : 0;
    last = input;
    if (looks >= LOOKS) return input;
    if (document.querySelector(IDLE)) {
      if (tries >= next && !document.querySelector(field)) {
        document.querySelector(`${button} button`)?.click();
        next = tries + TRIES_A_CLICK;
      }
    }
    await pause();
  }
  return null;
}

// Whether the page took or refused the file, and did not put another field in the place of this one before it had it.
async function isTaken(input, field, before) {
  for (let tries = 0; tries < FIELD_TRIES; tries++) {
    await pause();
    if (round !== before || document.querySelector(`${field} ${REFUSED}`)) return true;
    if (!input.isConnected && document.querySelector(IDLE)) return false;
  }
  return false;
}

function pause() {
  return new Promise((done) => setTimeout(done, FIELD_MS));
}
