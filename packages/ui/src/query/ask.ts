import { queryInstant, queryRange } from '../api/client.ts';
import type { Answer, QueryResult } from '../api/types.ts';
import { type Columns, toColumns } from '../chart/columns.ts';

// A run of a query: what is asked, and what came back, as the two tabs show it.

export type Question =
  | {
      readonly tab: 'graph';
      readonly expr: string;
      readonly start: number;
      readonly end: number;
      readonly stepSeconds: number;
    }
  | { readonly tab: 'table'; readonly expr: string; readonly time: number };

export type Result = (
  | { readonly tab: 'graph'; readonly columns: Columns }
  | { readonly tab: 'table'; readonly table: QueryResult }
) & {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly tookMs: number;
};

function remarks(answer: Answer<unknown>, startedMs: number) {
  return { warnings: answer.warnings, infos: answer.infos, tookMs: performance.now() - startedMs };
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
  const took = `${Math.max(1, Math.round(result.tookMs))} ms`;
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
