import { TidemarkError } from '@tidemark/base';

// Each store keeps to a query's limits; together they might have more. Said as a store says it.

export function tooManySamples(found: number, limit: number): TidemarkError {
  return new TidemarkError(
    'SELECT_TOO_MANY_SAMPLES',
    `the query selects more than ${limit} samples; narrow its matchers or its range`,
    { limit, found },
  );
}

export function tooManySeries(found: number, limit: number): TidemarkError {
  return new TidemarkError(
    'SELECT_TOO_MANY_SERIES',
    `the query selects more than ${limit} series; narrow its matchers`,
    { limit, found },
  );
}
