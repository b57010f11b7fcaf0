// Times in the reader's zone, 24-hour clock, told only as precisely as the axis needs.

function format(options: Intl.DateTimeFormatOptions): (seconds: number) => string {
  const formatter = new Intl.DateTimeFormat('en-GB', options);
  return (seconds) => formatter.format(seconds * 1000);
}

const clockSeconds = format({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
const clockMinutes = format({ hour: '2-digit', minute: '2-digit' });
const day = format({ day: 'numeric', month: 'short' });
const full = format({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Tick texts for times `incrSeconds` apart; midnight is told as its day. */
export function timeTicks(splits: readonly number[], incrSeconds: number): string[] {
  return splits.map((at) => {
    if (incrSeconds >= 86_400) return day(at);
    const text = incrSeconds < 60 ? clockSeconds(at) : clockMinutes(at);
    return text.startsWith('00:00') && !/[1-9]/.test(text) ? day(at) : text;
  });
}

/** A moment in full, for tooltips and tables: `22 Nov, 14:05:10`. */
export const formatMoment: (seconds: number) => string = full;

/** A closed window in words: `22 Nov, 14:05:10 to 14:20:10`. */
export function formatWindow(start: number, end: number): string {
  return `${full(start)} – ${day(start) === day(end) ? clockSeconds(end) : full(end)}`;
}
