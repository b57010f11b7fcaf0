import { GoFunction, GoNamed, type GoValue } from './value.ts';

// Go's time.Time and time.Duration, as far as templates use them. Times are wall ms in a zone; durations are ms.

const DAY_MS = 86_400_000;
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const PRINTED = '2006-01-02 15:04:05.999999999 -0700 MST';
// Longest first, where one begins like another.
const LAYOUT =
  /January|Jan|Monday|Mon|MST|2006|-07:00|-0700|-07|Z07:00|Z0700|Z07|01|02|03|04|05|06|002|15|_2|PM|pm|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5/g;

export class GoTime extends GoNamed {
  readonly ms: number;
  readonly zone: string;

  constructor(ms: number, zone = 'UTC') {
    super('time.Time', {
      text: () => formatTime(this, PRINTED),
      methods: {
        Format: new GoFunction(['string'], ([layout]) => formatTime(this, layout as string)),
        String: new GoFunction([], () => formatTime(this, PRINTED)),
        Unix: new GoFunction([], () => BigInt(Math.floor(ms / 1000))),
        UnixMilli: new GoFunction([], () => BigInt(Math.floor(ms))),
        UnixNano: new GoFunction([], () => BigInt(Math.floor(ms)) * 1_000_000n),
        UTC: new GoFunction([], () => new GoTime(ms)),
        Local: new GoFunction([], () => this),
        Add: new GoFunction(['time.Duration'], ([duration]) => new GoTime(ms + (duration as GoDuration).ms, zone)),
        AddDate: new GoFunction(['int', 'int', 'int'], (args) => addDate(this, args)),
        Sub: new GoFunction(['time.Time'], ([other]) => new GoDuration(ms - (other as GoTime).ms)),
        Before: new GoFunction(['time.Time'], ([other]) => ms < (other as GoTime).ms),
        After: new GoFunction(['time.Time'], ([other]) => ms > (other as GoTime).ms),
        Equal: new GoFunction(['time.Time'], ([other]) => ms === (other as GoTime).ms),
        IsZero: new GoFunction([], () => ms === ZERO_TIME_MS),
        Year: new GoFunction([], () => BigInt(fieldsOf(this).year)),
        Month: new GoFunction([], () => named('time.Month', MONTHS[fieldsOf(this).month - 1] as string)),
        Day: new GoFunction([], () => BigInt(fieldsOf(this).day)),
        YearDay: new GoFunction([], () => BigInt(yearDay(fieldsOf(this)))),
        Weekday: new GoFunction([], () => named('time.Weekday', DAYS[fieldsOf(this).weekday] as string)),
        Hour: new GoFunction([], () => BigInt(fieldsOf(this).hour)),
        Minute: new GoFunction([], () => BigInt(fieldsOf(this).minute)),
        Second: new GoFunction([], () => BigInt(fieldsOf(this).second)),
      },
    });
    this.ms = ms;
    this.zone = zone;
  }
}

/** 0001-01-01T00:00:00Z, which Go takes for no time. */
export const ZERO_TIME_MS = -62_135_596_800_000;

export class GoDuration extends GoNamed {
  readonly ms: number;

  constructor(ms: number) {
    super('time.Duration', {
      text: () => durationText(ms),
      methods: {
        String: new GoFunction([], () => durationText(ms)),
        Hours: new GoFunction([], () => ms / 3_600_000),
        Minutes: new GoFunction([], () => ms / 60_000),
        Seconds: new GoFunction([], () => ms / 1000),
        Milliseconds: new GoFunction([], () => BigInt(Math.trunc(ms))),
        Truncate: new GoFunction(['time.Duration'], ([unit]) => stepped(ms, (unit as GoDuration).ms, Math.trunc)),
        Round: new GoFunction(['time.Duration'], ([unit]) => stepped(ms, (unit as GoDuration).ms, Math.round)),
        Abs: new GoFunction([], () => new GoDuration(Math.abs(ms))),
      },
    });
    this.ms = ms;
  }
}

function stepped(ms: number, unitMs: number, step: (count: number) => number): GoDuration {
  return new GoDuration(unitMs > 0 ? step(ms / unitMs) * unitMs : ms);
}

function named(typeName: string, text: string): GoNamed {
  return new GoNamed(typeName, { text: () => text });
}

interface TimeFields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  readonly offsetMinutes: number;
  readonly zoneName: string;
}

function fieldsOf({ ms, zone }: GoTime): TimeFields {
  const { offsetMinutes, zoneName } = zone === 'UTC' ? { offsetMinutes: 0, zoneName: 'UTC' } : zoneAt(zone, ms);
  const local = new Date(Math.floor(ms) + offsetMinutes * 60_000);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    weekday: local.getUTCDay(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    millisecond: local.getUTCMilliseconds(),
    offsetMinutes,
    zoneName,
  };
}

/** Throws what Go says of a zone that nobody knows. */
export function zoneAt(zone: string, ms: number): { readonly offsetMinutes: number; readonly zoneName: string } {
  const part = (timeZoneName: 'longOffset' | 'short') => {
    try {
      const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName });
      return format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    } catch {
      throw new Error(`unknown time zone ${zone}`);
    }
  };
  const match = /([+-])(\d{2}):?(\d{2})/.exec(part('longOffset'));
  const minutes = match ? Number(match[2]) * 60 + Number(match[3]) : 0;
  const offsetMinutes = match?.[1] === '-' ? -minutes : minutes;
  const short = part('short');
  // Where a zone has no letters of its own, Go prints the offset.
  return { offsetMinutes, zoneName: /^[A-Z]{3,5}$/.test(short) ? short : offsetText(offsetMinutes, '').slice(0, 3) };
}

/** Go's Time.Format. */
export function formatTime(time: GoTime, layout: string): string {
  if (!Number.isFinite(time.ms) || Math.abs(time.ms) > 8.64e15) return 'NaN';
  const fields = fieldsOf(time);
  return layout.replace(LAYOUT, (token) => fieldText(token, fields));
}

function fieldText(token: string, at: TimeFields): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const month = MONTHS[at.month - 1] as string;
  const weekday = DAYS[at.weekday] as string;
  const hour12 = at.hour % 12 === 0 ? 12 : at.hour % 12;
  switch (token) {
    case 'January':
      return month;
    case 'Jan':
      return month.slice(0, 3);
    case 'Monday':
      return weekday;
    case 'Mon':
      return weekday.slice(0, 3);
    case 'MST':
      return at.zoneName;
    case '2006':
      return String(at.year).padStart(4, '0');
    case '06':
      return two(at.year % 100);
    case '01':
      return two(at.month);
    case '1':
      return String(at.month);
    case '02':
      return two(at.day);
    case '_2':
      return String(at.day).padStart(2, ' ');
    case '2':
      return String(at.day);
    case '002':
      return String(yearDay(at)).padStart(3, '0');
    case '15':
      return two(at.hour);
    case '03':
      return two(hour12);
    case '3':
      return String(hour12);
    case '04':
      return two(at.minute);
    case '4':
      return String(at.minute);
    case '05':
      return two(at.second);
    case '5':
      return String(at.second);
    case 'PM':
      return at.hour < 12 ? 'AM' : 'PM';
    case 'pm':
      return at.hour < 12 ? 'am' : 'pm';
    case '-07':
      return offsetText(at.offsetMinutes, '').slice(0, 3);
    case '-0700':
      return offsetText(at.offsetMinutes, '');
    case '-07:00':
      return offsetText(at.offsetMinutes, ':');
    case 'Z07':
      return at.offsetMinutes === 0 ? 'Z' : offsetText(at.offsetMinutes, '').slice(0, 3);
    case 'Z0700':
      return at.offsetMinutes === 0 ? 'Z' : offsetText(at.offsetMinutes, '');
    case 'Z07:00':
      return at.offsetMinutes === 0 ? 'Z' : offsetText(at.offsetMinutes, ':');
    default:
      return fractionText(token, at.millisecond);
  }
}

/** `.000` keeps its zeros, `.999` drops those at the end, and the point when nothing is left. */
function fractionText(token: string, millisecond: number): string {
  const digits = String(millisecond)
    .padStart(3, '0')
    .padEnd(9, '0')
    .slice(0, token.length - 1);
  if (token[1] === '0') return (token[0] as string) + digits;
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? '' : (token[0] as string) + kept;
}

function offsetText(minutes: number, separator: string): string {
  const size = Math.abs(minutes);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`;
}

function yearDay({ year, month, day }: TimeFields): number {
  return Math.round((Date.UTC(2000, month - 1, day) - Date.UTC(2000, 0, 1)) / DAY_MS) + 1 - leapShift(year, month);
}

/** The day count above is that of a leap year. */
function leapShift(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month > 2 && !isLeap ? 1 : 0;
}

function addDate(time: GoTime, args: readonly GoValue[]): GoTime {
  const [years, months, days] = args.map(Number) as [number, number, number];
  const date = new Date(time.ms);
  date.setUTCFullYear(date.getUTCFullYear() + years, date.getUTCMonth() + months, date.getUTCDate() + days);
  return new GoTime(date.getTime(), time.zone);
}

/** Go's Duration.String: `1h2m3.5s`, `12ms`, `0s`. */
export function durationText(ms: number): string {
  if (ms === 0 || !Number.isFinite(ms)) return '0s';
  const sign = ms < 0 ? '-' : '';
  const size = Math.abs(ms);
  const short = (value: number) => String(Number(value.toFixed(6)));
  if (size < 0.001) return `${sign}${Math.round(size * 1e6)}ns`;
  if (size < 1) return `${sign}${short(size * 1000)}µs`;
  if (size < 1000) return `${sign}${short(size)}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor(size / 60_000) % 60;
  const seconds = `${String(Number(((size % 60_000) / 1000).toFixed(9)))}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : sign + seconds;
}
