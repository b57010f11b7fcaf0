import { TidemarkError } from '@tidemark/base';

// When a route is active or mute: Alertmanager's time intervals. A moment is in an interval when every part that is given has
// a range with it in; parts that are not given hold everything.
//
//   times          09:00 to 17:00, half-open; 24:00 is the end of the day        weekdays   monday:friday, sunday first
//   days_of_month  1:5, -3:-1 counts from the end, cut to the month             months     january:march, 1:3        years
//   location       the zone all of them are read in; UTC when not given

export interface Span {
  readonly from: number;
  /** Included, but for times. */
  readonly to: number;
}

export interface TimeInterval {
  /** Minutes of the day, half-open. */
  readonly times: readonly Span[] | undefined;
  /** 0: Sunday. */
  readonly weekdays: readonly Span[] | undefined;
  readonly daysOfMonth: readonly Span[] | undefined;
  readonly months: readonly Span[] | undefined;
  readonly years: readonly Span[] | undefined;
  readonly location: string | undefined;
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const DAY_MINUTES = 1440;

export function isWithin(interval: TimeInterval, atMs: number): boolean {
  const local = wallClock(atMs, interval.location);
  const { times, weekdays, daysOfMonth, months, years } = interval;
  const isIn = (spans: readonly Span[] | undefined, value: number) =>
    spans === undefined || spans.some(({ from, to }) => value >= from && value <= to);
  const isInTimes = times === undefined || times.some(({ from, to }) => local.minute >= from && local.minute < to);
  return (
    isInTimes &&
    (daysOfMonth === undefined || daysOfMonth.some((span) => isInDays(span, local.day, local.daysInMonth))) &&
    isIn(months, local.month) &&
    isIn(weekdays, local.weekday) &&
    isIn(years, local.year)
  );
}

function isInDays({ from, to }: Span, day: number, daysInMonth: number): boolean {
  const first = from < 0 ? daysInMonth + from + 1 : from;
  const last = to < 0 ? daysInMonth + to + 1 : to;
  // A range that lies behind the end of a short month holds nothing of it.
  if (first > daysInMonth) return false;
  return day >= Math.max(first, 1) && day <= Math.min(last, daysInMonth);
}

interface WallClock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly daysInMonth: number;
  readonly weekday: number;
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function wallClock(atMs: number, location = 'UTC'): WallClock {
  const parts = new Map(
    formatOf(location)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  const [year, month, day] = [part('year'), part('month'), part('day')];
  return {
    year,
    month,
    day,
    daysInMonth: new Date(Date.UTC(year, month, 0)).getUTCDate(),
    weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(),
    minute: part('hour') * 60 + part('minute'),
  };
}

/** Throws `TIME_INTERVAL_INVALID` for a zone nobody knows. */
function formatOf(location: string): Intl.DateTimeFormat {
  const known = formats.get(location);
  if (known) return known;
  try {
    const made = new Intl.DateTimeFormat('en-US', {
      // `Local` is the zone of the machine.
      ...(location === 'Local' ? {} : { timeZone: location }),
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    formats.set(location, made);
    return made;
  } catch (cause) {
    throw invalid(`there is no time zone ${JSON.stringify(location)}`, cause);
  }
}

/** Throws `TIME_INTERVAL_INVALID`. */
export function checkLocation(location: string): string {
  formatOf(location);
  return location;
}

/** Throws `TIME_INTERVAL_INVALID`. */
export function timeSpan(start: string, end: string): Span {
  const [from, to] = [minuteOf(start), minuteOf(end)];
  if (from >= to) throw invalid(`the start ${start} must be before the end ${end}`);
  return { from, to };
}

/** Throws `TIME_INTERVAL_INVALID`. */
export function weekdaySpan(text: string): Span {
  return named(text, WEEKDAYS, 0, 'weekday');
}

/** Throws `TIME_INTERVAL_INVALID`. */
export function monthSpan(text: string): Span {
  return named(text, MONTHS, 1, 'month');
}

/** Throws `TIME_INTERVAL_INVALID`. */
export function yearSpan(text: string): Span {
  return ordered(
    text,
    parted(text).map((part) => whole(part, 'year')),
  );
}

/** Throws `TIME_INTERVAL_INVALID`. */
export function daySpan(text: string): Span {
  const [from = 0, to = from] = parted(text).map((part) => whole(part, 'day of the month'));
  for (const day of [from, to]) {
    if (day === 0 || day < -31 || day > 31) throw invalid(`${day} is no day of a month: 1 to 31, or -1 to -31`);
  }
  if (from < 0 && to > 0) throw invalid(`the end of ${text} must be counted from the end of the month like its start`);
  // Whichever month it is, the start must be able to come before the end.
  const last = (day: number) => (day < 0 ? 31 + day + 1 : day);
  if (last(from) > last(to)) throw invalid(`the end of ${text} is always before its start`);
  return { from, to };
}

function minuteOf(text: string): number {
  const found = /^(\d{2}):(\d{2})$/.exec(text);
  const minute = found ? Number(found[1]) * 60 + Number(found[2]) : DAY_MINUTES + 1;
  if (!found || Number(found[2]) > 59 || minute > DAY_MINUTES) {
    throw invalid(`${JSON.stringify(text)} is no time of day; write it like 09:00`);
  }
  return minute;
}

function named(text: string, names: readonly string[], base: number, what: string): Span {
  const ends = parted(text).map((part) => {
    const lower = part.toLowerCase();
    const at = names.indexOf(lower);
    if (at >= 0) return at + base;
    // Months may be numbers too.
    if (base === 1 && /^\d+$/.test(lower) && Number(lower) >= 1 && Number(lower) <= names.length) return Number(lower);
    throw invalid(`${JSON.stringify(part)} is no ${what}`);
  });
  return ordered(text, ends);
}

function ordered(text: string, [from = 0, to = from]: readonly number[]): Span {
  if (from > to) throw invalid(`the end of ${text} is before its start`);
  return { from, to };
}

function parted(text: string): readonly string[] {
  const parts = text.split(':');
  if (parts.length > 2) throw invalid(`${JSON.stringify(text)} has more than two ends`);
  return parts;
}

function whole(text: string, what: string): number {
  if (!/^-?\d+$/.test(text)) throw invalid(`${JSON.stringify(text)} is no ${what}`);
  return Number(text);
}

function invalid(message: string, cause?: unknown): TidemarkError {
  return new TidemarkError('TIME_INTERVAL_INVALID', message, {}, cause);
}
