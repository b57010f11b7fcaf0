import { queryInstant, queryRange } from '../api/client.ts';
import type { Answer, QueryResult } from '../api/types.ts';
import { type Columns, toColumns } from '../chart/columns.ts';
import { formatValue } from '../format/units.ts';

// A run of a query: what is asked, and what came back, as the two tabs show it.

export type Question =
  | {
      readonly tab: 'graph';
      readonly expr: string;
      readonly start: number;
      readonly end: number;
      readonly stepSeconds: number;
      readonly resolution?: string;
    }
  | { readonly tab: 'table'; readonly expr: string; readonly time: number; readonly resolution?: string };

export type Result = (
  | { readonly tab: 'graph'; readonly columns: Columns }
  | { readonly tab: 'table'; readonly table: QueryResult }
) & {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** What it was computed from, where the server says so: `from raw, exact`. */
  readonly source: string | undefined;
  /** From asking to having read the answer. */
  readonly tookMs: number;
};

/** `from raw, exact`, `from raw and 1m, approximate`; undefined where the server doesn't say. */
export function sourceText({ resolution, accuracy }: Pick<Answer<unknown>, 'resolution' | 'accuracy'>) {
  const from = resolution === undefined ? [] : [`from ${resolution.split(/,\s*/).join(' and ')}`];
  const parts = [...from, ...(accuracy === undefined ? [] : [accuracy])];
  return parts.length === 0 ? undefined : parts.join(', ');
}

function remarks(answer: Answer<unknown>, startedMs: number) {
  const { warnings, infos } = answer;
  return { warnings, infos, source: sourceText(answer), tookMs: performance.now() - startedMs };
}

export async function ask(question: Question, signal: AbortSignal): Promise<Result> {
  const startedMs = performance.now();
  if (question.tab === 'table') {
    const answer = await queryInstant(question, signal);
    return { tab: 'table', table: answer.data, ...remarks(answer, startedMs) };
  }
  const answer = await queryRange(question, signal);
  return { tab: 'graph', columns: toColumns(answer.data, question), ...remarks(answer, startedMs) };
}

/** The size of a result in words: `12 series, 2,880 points, 34 ms`. */
export function resultSummary(result: Result): string {
  const took = formatValue(Math.max(1, Math.round(result.tookMs)) / 1000, 'seconds');
  if (result.tab === 'table') {
    const { resultType, result: rows } = result.table;
    const count = resultType === 'vector' || resultType === 'matrix' ? rows.length : 1;
    return `${count.toLocaleString('en')} ${count === 1 ? 'row' : 'rows'}, ${took}`;
  }
  const { series } = result.columns;
  const points = series.reduce(
    (sum, one) => sum + one.values.reduce((n: number, value) => n + Number(value !== null), 0),
    0,
  );
  return `${series.length.toLocaleString('en')} series, ${points.toLocaleString('en')} ${points === 1 ? 'point' : 'points'}, ${took}`;
}

/** An answer of more series than this is asked for again only every `heavyEverySeconds`: reading it holds the page up. */
export const heavySeries = 1000;
export const heavyEverySeconds = 30;

export function isHeavy(result: Result | undefined): boolean {
  if (result === undefined) return false;
  if (result.tab === 'graph') return result.columns.series.length > heavySeries;
  const { resultType, result: rows } = result.table;
  return (resultType === 'vector' || resultType === 'matrix') && rows.length > heavySeries;
}
