// The page asks "what happened until now", and now is the server's now. A laptop that slept, or whose clock is an hour
// off, would otherwise ask for a range the server has no samples in.
//
//   nowSeconds = browser's time + correction        correction = server's Date header - browser's time
//
// The Date header has whole seconds and arrives late by the network's delay, so a correction counts only when it is
// larger than both can explain.

/** Differences below this are the header's rounding and the network, not a wrong clock. */
export const toleratedSkewSeconds = 3;

let correctionSeconds = 0;

function browserSeconds(): number {
  return (performance.timeOrigin + performance.now()) / 1000;
}

/** Seconds since the epoch, as the server sees it. */
export function nowSeconds(): number {
  return browserSeconds() + correctionSeconds;
}

/** The correction to apply when the server says `serverSeconds` while the browser says `ownSeconds`. */
export function skewCorrection(serverSeconds: number, ownSeconds: number): number {
  const skew = serverSeconds - ownSeconds;
  return Math.abs(skew) > toleratedSkewSeconds ? skew : 0;
}

/** Learns from the `Date` header of an answer; a missing or unreadable one changes nothing. */
export function learnServerTime(dateHeader: string | null): void {
  const serverMs = dateHeader === null ? Number.NaN : Date.parse(dateHeader);
  if (Number.isFinite(serverMs)) correctionSeconds = skewCorrection(serverMs / 1000, browserSeconds());
}
