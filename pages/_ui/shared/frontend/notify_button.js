// A button that turns notifications on and off; the browser asks the person at the click, and never before.
// What is chosen is kept by the browser: see sweep_title.js, which notifies.

const WANTED = "bgen-notify";

export default function ({ parentElement }) {
  const button = parentElement.querySelector("button");
  button.hidden = !window.Notification; // browsers have it over https and on this machine alone
  button.onclick = async () => {
    const turnsOn = !isOn();
    if (turnsOn && Notification.permission === "default") await Notification.requestPermission();
    localStorage.setItem(WANTED, turnsOn ? "on" : "off");
    draw(button);
  };
  draw(button);
}

function isOn() {
  return window.Notification?.permission === "granted" && localStorage.getItem(WANTED) === "on";
}

function draw(button) {
  const isBlocked = window.Notification?.permission === "denied";
  button.disabled = isBlocked;
  button.setAttribute("aria-pressed", String(isOn()));
  button.textContent = isOn() ? "Notifies" : "Notify";
  button.title = isBlocked
    ? "This browser blocks notifications of this address: allow them in its settings"
    : "A notification when the sweep is over and this tab is not seen";
}
