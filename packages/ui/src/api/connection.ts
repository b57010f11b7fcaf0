// Whether the last call got any answer. Charts keep what they have while the server is away; the page says so once, at the
// top, and not in every card.

type Listener = () => void;

let connected = true;
const listeners = new Set<Listener>();

export function reportConnection(answered: boolean): void {
  if (answered === connected) return;
  connected = answered;
  for (const listener of listeners) listener();
}

export function isConnected(): boolean {
  return connected;
}

/** Calls `listener` whenever the connection is lost or found again, until the returned function is called. */
export function onConnection(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
