// Moments as a browser's `datetime-local` field holds them: `2026-11-28T14:05`, in the reader's zone.

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** To the minute; seconds are dropped. */
export function toLocalTime(seconds: number): string {
  const at = new Date(seconds * 1000);
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Seconds since the epoch, or undefined when the field is empty or half filled. */
export function fromLocalTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text)) return undefined;
  const ms = new Date(text).getTime();
  return Number.isFinite(ms) && ms > 0 ? ms / 1000 : undefined;
}
