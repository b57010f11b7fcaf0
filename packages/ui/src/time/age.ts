/** An age in the two largest units: `3 min`, `2 h 5 min`, `4 d 1 h`. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** Seconds since a moment in RFC 3339, never negative; undefined for none, and for the year 1, which means never. */
export function secondsSince(moment: string | undefined, now: number): number | undefined {
  const ms = Date.parse(moment ?? '');
  return Number.isNaN(ms) || ms <= 0 ? undefined : Math.max(0, now - ms / 1000);
}
