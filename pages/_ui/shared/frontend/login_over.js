// A page whose login is over shows the login, at the same address.
//
// Streamlit 1.67 would ask for its server again and again, and show a "Connection error" with the number 401.
{
  const OVER = 1008; // as open_sockets.py closes a websocket whose login is over
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      // Later: where somebody logs out, the page that says so is on its way.
      this.addEventListener("close", (event) => { if (event.code === OVER) setTimeout(() => location.reload(), 1000); });
    }
  };
}
