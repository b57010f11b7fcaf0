import type { Column, Columns } from '../chart/columns.ts';
import type { ChartSeries } from '../chart/model.ts';
import { fullName, shortNames } from '../chart/names.ts';

// The answers of several queries as one chart. They were asked at slightly different moments, so their grids may begin and
// end a step apart; all lie on multiples of the same step, so equal times are equal numbers.
//
//   A  times 10 15 20        one chart  10  15  20  25
//   B  times    15 20 25             A   1   2   3  null
//                                    B null  7   8   9

/** Lines drawn at first: more neither fit a legend nor tell apart by colour; the reader may ask for the rest. */
export const drawnSeriesFirst = 100;
/** Never more than this: at 400 points each, a million points is what a canvas redraws without stuttering. */
export const drawnSeriesMax = 2500;

export interface Answered {
  readonly letter: string;
  readonly columns: Columns;
}

export interface DrawnSeries {
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  /** All there are, drawn or not. */
  readonly total: number;
  readonly histogramSeries: number;
}

function unionOf(grids: readonly (readonly number[])[]): readonly number[] {
  const first = grids[0] ?? [];
  if (grids.every((grid) => grid.length === first.length && grid[0] === first[0])) return first;
  return [...new Set(grids.flat())].sort((a, b) => a - b);
}

function spread(column: Column, from: readonly number[], to: readonly number[]): Column {
  if (from === to) return column;
  const place = new Map(to.map((time, i) => [time, i]));
  const wide: Column = new Array<number | null>(to.length).fill(null);
  from.forEach((time, i) => {
    wide[place.get(time) as number] = column[i] ?? null;
  });
  return wide;
}

/** Fair shares of `limit`, so that the first query's thousand series don't crowd out the second's two. */
export function shares(counts: readonly number[], limit: number): number[] {
  const taken = counts.map(() => 0);
  let rest = limit;
  while (rest > 0 && counts.some((count, i) => count > (taken[i] as number))) {
    const open = counts.filter((count, i) => count > (taken[i] as number)).length;
    const each = Math.max(1, Math.floor(rest / open));
    counts.forEach((count, i) => {
      const more = Math.min(each, count - (taken[i] as number), rest);
      taken[i] = (taken[i] as number) + more;
      rest -= more;
    });
  }
  return taken;
}

/** At most `limit` series of all answers; `lettered` ones carry their query's letter before their name. */
export function chartSeries(answers: readonly Answered[], limit: number, lettered: boolean): DrawnSeries {
  const times = unionOf(answers.map((answer) => answer.columns.times));
  const counts = answers.map((answer) => answer.columns.series.length);
  const share = shares(counts, limit);
  const series: ChartSeries[] = [];
  answers.forEach(({ letter, columns }, i) => {
    const drawn = columns.series.slice(0, share[i]);
    const names = shortNames(drawn.map((one) => one.metric));
    drawn.forEach((one, j) => {
      const title = fullName(one.metric);
      series.push({
        key: `${letter} ${title}`,
        label: names[j] ?? title,
        title,
        values: spread(one.values, columns.times, times),
        color: series.length,
        filled: answers.length === 1 && drawn.length === 1,
        ...(lettered && { group: letter }),
      });
    });
  });
  return {
    times,
    series,
    total: counts.reduce((sum, count) => sum + count, 0),
    histogramSeries: answers.reduce((sum, answer) => sum + answer.columns.histogramSeries, 0),
  };
}
