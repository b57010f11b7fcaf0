import { type Grid, type Series, timeAt, type Value } from '../value/value.ts';
import { type FunctionCall, type ValueFunction, valueFunction, vectorOf } from './definition.ts';
import { mapValues } from './math.ts';

// Functions of the clock and of the calendar (UTC, proleptic Gregorian).
//
// Days are turned into dates by counting from 1 March 0000, where every 400 years (146,097 days) are alike and the leap day
// is the last of its year (Howard Hinnant's `civil_from_days`).

interface Civil {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

const DAYS_PER_ERA = 146_097;
const EPOCH_FROM_MARCH_0000 = 719_468;

export function civilOf(seconds: number): Civil {
  const days = Math.floor(seconds / 86_400) + EPOCH_FROM_MARCH_0000;
  const era = Math.floor(days / DAYS_PER_ERA);
  const dayOfEra = days - era * DAYS_PER_ERA;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth({ year, month }: Civil): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

const DAYS_BEFORE = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

function dayOfYear({ year, month, day }: Civil): number {
  return (DAYS_BEFORE[month] as number) + day + (month > 2 && isLeap(year) ? 1 : 0);
}

function floorModulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/** Of the argument's value as seconds; without one, of the evaluation time. */
function calendar(of: (seconds: number) => number): ValueFunction {
  // A value is taken as whole seconds; NaN and infinite times have no date.
  const whole = (value: number) => (Number.isFinite(value) ? of(Math.trunc(value)) : Number.NaN);
  return valueFunction((call) => {
    if (call.args.length > 0) return mapValues(call, whole);
    return vectorOf([eachStep(call.grid, (ms) => whole(ms / 1000))]);
  });
}

function eachStep(grid: Grid, of: (ms: number) => number): Series {
  const values = new Float64Array(grid.steps);
  for (let k = 0; k < grid.steps; k++) values[k] = of(timeAt(grid, k));
  return { labels: [], dropName: false, values, present: new Uint8Array(grid.steps).fill(1) };
}

function scalarOf(of: (call: FunctionCall) => number): ValueFunction {
  return valueFunction(
    (call): Value => ({
      kind: 'scalar',
      values: new Float64Array(call.grid.steps).fill(of(call)),
    }),
  );
}

function lastMs(grid: Grid): number {
  return timeAt(grid, grid.steps - 1);
}

export const TIME_FUNCTIONS = {
  time: valueFunction((call): Value => ({ kind: 'scalar', values: eachStep(call.grid, (ms) => ms / 1000).values })),
  year: calendar((seconds) => civilOf(seconds).year),
  month: calendar((seconds) => civilOf(seconds).month),
  day_of_month: calendar((seconds) => civilOf(seconds).day),
  day_of_week: calendar((seconds) => floorModulo(Math.floor(seconds / 86_400) + 4, 7)), // 1 January 1970: a Thursday
  day_of_year: calendar((seconds) => dayOfYear(civilOf(seconds))),
  days_in_month: calendar((seconds) => daysInMonth(civilOf(seconds))),
  hour: calendar((seconds) => Math.floor(floorModulo(seconds, 86_400) / 3600)),
  minute: calendar((seconds) => Math.floor(floorModulo(seconds, 3600) / 60)),
  pi: scalarOf(() => Math.PI),
  // Of the query, not of a subquery in it.
  start: scalarOf(({ scope }) => scope.query.startMs / 1000),
  end: scalarOf(({ scope }) => lastMs(scope.query) / 1000),
  step: scalarOf(({ scope }) => scope.query.stepMs / 1000),
  range: scalarOf(({ scope }) => (lastMs(scope.query) - scope.query.startMs) / 1000),
} as const;
