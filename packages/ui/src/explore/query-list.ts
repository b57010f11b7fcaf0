import { type PageQuery, queriesMax } from '../url/page-state.ts';

// What can be done to the list of queries. Each returns a new list and never an empty one; beyond `queriesMax` nothing is
// added.

export type Queries = readonly PageQuery[];

/** What a query is called by its place: A, B, C, ... */
export function letterOf(place: number): string {
  return String.fromCharCode(65 + (place % 26));
}

function freshId(queries: Queries): number {
  return queries.reduce((most, query) => Math.max(most, query.id), -1) + 1;
}

export function addQuery(queries: Queries, expr = ''): Queries {
  if (queries.length >= queriesMax) return queries;
  return [...queries, { id: freshId(queries), expr, hidden: false }];
}

/** Puts `expr` where there is room for it: into the first empty query, or a new one. */
export function placeExpr(queries: Queries, expr: string): Queries {
  const free = queries.findIndex((query) => query.expr === '');
  if (free === -1) return addQuery(queries, expr);
  return queries.map((query, i) => (i === free ? { ...query, expr } : query));
}

export function removeQuery(queries: Queries, id: number): Queries {
  const rest = queries.filter((query) => query.id !== id);
  return rest.length > 0 ? rest : [{ id: freshId(queries), expr: '', hidden: false }];
}

/** A copy right after the original. */
export function duplicateQuery(queries: Queries, id: number, expr: string): Queries {
  if (queries.length >= queriesMax) return queries;
  const copy = { id: freshId(queries), expr, hidden: false };
  return queries.flatMap((query) => (query.id === id ? [query, copy] : [query]));
}

export function toggleQuery(queries: Queries, id: number): Queries {
  return queries.map((query) => (query.id === id ? { ...query, hidden: !query.hidden } : query));
}

/** One place up (-1) or down (+1); at the end of the list nothing moves. */
export function moveQuery(queries: Queries, id: number, by: -1 | 1): Queries {
  const from = queries.findIndex((query) => query.id === id);
  const to = from + by;
  if (from === -1 || to < 0 || to >= queries.length) return queries;
  const moved = [...queries];
  [moved[from], moved[to]] = [moved[to] as PageQuery, moved[from] as PageQuery];
  return moved;
}

/** The drafts in the editors become what is asked. */
export function withDrafts(queries: Queries, drafts: ReadonlyMap<number, string>): Queries {
  return queries.map((query) => {
    const expr = (drafts.get(query.id) ?? query.expr).trim();
    return expr === query.expr ? query : { ...query, expr };
  });
}
