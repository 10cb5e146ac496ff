// Tab leads from the button of an open popover into it, and from its end to the button again; Esc closes it.
//
// Streamlit 1.67 draws what is in a popover at the end of the page: Tab came there last, behind everything that it does
// not cover, when the page had been scrolled and the popover stood outside the window.
{
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    const here = document.activeElement;
    const body = here.closest("[data-testid=stPopoverBody]") ?? bodyOf(here);
    const button = body && buttonOf(body);
    if (!button) return;
    const ring = [button, ...[...body.querySelectorAll(FOCUSABLE)].filter(isReached)];
    const at = ring.indexOf(here);
    const next = ring.at((at + (event.shiftKey ? -1 : 1)) % ring.length);
    const isEntered = here === button && !event.shiftKey && ring.length > 1;
    const isLeft = here !== button && at > 0 && next === button;
    if (!isEntered && !isLeft) return;
    event.preventDefault();
    next.focus();
  });
  function bodyOf(button) {
    if (!button.matches("[data-testid=stPopoverButton][aria-expanded=true]")) return null;
    const bodies = [...document.querySelectorAll("[data-testid=stPopoverBody]")];
    return bodies.find((body) => buttonOf(body) === button);
  }
  function buttonOf(body) {
    const open = [...document.querySelectorAll("[data-testid=stPopoverButton][aria-expanded=true]")];
    return open.find((button) => button.textContent.includes(body.ariaLabel)) ?? open.at(-1);
  }
  function isReached(each) {
    const place = each.dataset.tabindex ?? each.tabIndex; // floating-ui keeps it there while the focus is elsewhere
    if (place < 0 || each.disabled || !each.checkVisibility({ visibilityProperty: true })) return false;
    if (each.type !== "radio" || each.checked) return true;
    return !document.querySelector(`input[type=radio][name="${CSS.escape(each.name)}"]:checked`);
  }
}
