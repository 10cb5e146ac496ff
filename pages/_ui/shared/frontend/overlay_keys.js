// Tab leads from the button of an open popover into it, and from its end to the button again; Esc closes it. In a dialog
// it leads into what components draw there. What is being typed is kept when Esc closes either.
//
// Streamlit 1.67 draws what is in a popover at the end of the page: Tab came there last, behind everything that it does
// not cover, when the page had been scrolled and the popover stood outside the window. It keeps the focus in a dialog by
// a walk that enters no shadow root: the picture's zoom, full screen and link were passed over.
// A field tells the script its text when the focus leaves it, and one that is gone is not left: Esc lost it.
{
  const FIELD = "textarea, input:not([role=combobox])";
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  addEventListener("keydown", (event) => {
    if (!isTab(event) || event.defaultPrevented) return;
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
  // Before Streamlit's own listener, which hangs on the document
  addEventListener("keydown", (event) => {
    const dialog = isTab(event) && document.activeElement.closest("[role=dialog]");
    if (!dialog) return;
    const here = heldIn(document);
    const ring = allIn(dialog).filter((each) => each === here || (each.matches(FOCUSABLE) && isReached(each)));
    const at = ring.indexOf(here);
    if (at < 0) return;
    const next = ring.at((at + (event.shiftKey ? -1 : 1)) % ring.length);
    if ([here, next].every((each) => each.getRootNode() === document)) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  }, { capture: true });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const field = document.activeElement.closest(FIELD);
    if (field?.closest("[role=dialog], [data-testid=stPopoverBody]")) field.blur();
  }, { capture: true });
  function isTab(event) {
    return event.key === "Tab" && !event.altKey && !event.ctrlKey && !event.metaKey;
  }
  function heldIn(root) {
    const held = root.activeElement;
    return held?.shadowRoot?.activeElement ? heldIn(held.shadowRoot) : held;
  }
  function allIn(root) {
    return [...root.children].flatMap((each) => [each, ...(each.shadowRoot ? allIn(each.shadowRoot) : []), ...allIn(each)]);
  }
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
