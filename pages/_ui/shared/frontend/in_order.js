// Before the script of every component that is given data.
//
// Streamlit calls a component anew for other data, and each call first imports the component's module. Calls that wait for
// its first arrival come in any order (Chromium keeps those who wait in a set), so that what is drawn last may be what was
// given first; and what such an overtaken call returns is run at once, as if the component were ended. So data carries
// its turn (component_data.py): what is older than what is drawn is passed over, and only the last call ends anything.

const drawnAt = new WeakMap(); // a component's element -> {session, turn} of what it shows, and how that ends

function inOrder(draw) {
  return (component) => {
    const [session, turn] = component.data.told;
    const last = drawnAt.get(component.parentElement);
    if (last?.session === session && last.turn > turn) return undefined;
    const drawn = { session, turn, end: draw(component) };
    drawnAt.set(component.parentElement, drawn);
    return () => {
      if (drawnAt.get(component.parentElement) !== drawn) return;
      drawnAt.delete(component.parentElement);
      drawn.end?.();
    };
  };
}
