import type { Cardinality, CardinalityRequest } from '@tidemark/model';
import { invalidParam, type Params } from '@tidemark/query';
import type { Question } from './routes.ts';

// GET /api/v1/status/tsdb, in Prometheus' shape: what a tenant's series are made of.

const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 10_000;
// An empty head's times are those of an empty interval, as far apart as a double goes whose decimals fit int64: clients read
// them as such.
const NO_MIN_TIME = 2 ** 63 - 1024;
const NO_MAX_TIME = -NO_MIN_TIME;

export function tsdbStatus(cardinality: (request: CardinalityRequest) => Promise<Cardinality>) {
  return async ({ tenant, params, signal }: Question) => {
    const found = await cardinality({ tenant, limit: tsdbLimit(params), signal });
    return {
      headStats: {
        numSeries: found.series,
        numLabelPairs: found.labelPairs,
        chunkCount: found.chunks,
        minTime: found.range?.oldestMs ?? NO_MIN_TIME,
        maxTime: found.range?.newestMs ?? NO_MAX_TIME,
      },
      seriesCountByMetricName: found.seriesByMetric,
      labelValueCountByLabelName: found.valuesByLabel,
      memoryInBytesByLabelName: found.bytesByLabel,
      seriesCountByLabelValuePair: found.seriesByPair,
    };
  };
}

/** Of a list: 10 where none is said. Throws `PARAM_INVALID`. */
export function tsdbLimit(params: Params): number {
  const text = params.get('limit')?.[0] ?? '';
  if (text === '') return LIMIT_DEFAULT;
  if (!/^\+?\d{1,9}$/.test(text) || Number(text) < 1) throw invalidParam('limit', 'limit must be a positive number');
  if (Number(text) > LIMIT_MAX) throw invalidParam('limit', `limit must not exceed ${LIMIT_MAX}`);
  return Number(text);
}
