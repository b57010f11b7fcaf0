import type { MetadataSource, MetricMetadata } from '@tidemark/model';
import { invalidParam, type Params } from '@tidemark/query';
import type { Question } from './routes.ts';

// GET /api/v1/metadata: what the tenant's metrics mean, by metric; several entries where sources disagree.

export function metricMetadata(source: MetadataSource) {
  return async ({ tenant, params, signal }: Question) => {
    const limit = countParam(params, 'limit');
    const limitPerMetric = countParam(params, 'limit_per_metric');
    const metric = params.get('metric')?.[0] ?? '';
    const answer: Record<string, object[]> = Object.create(null) as Record<string, object[]>;
    let left = limit < 0 ? Number.POSITIVE_INFINITY : limit;
    const found = await source(metric === '' ? { tenant } : { tenant, metrics: [metric] }, signal);
    for (const { metric: name, entries } of found) {
      if (left-- <= 0) break;
      answer[name] = (limitPerMetric > 0 ? entries.slice(0, limitPerMetric) : entries).map(described);
    }
    return answer;
  };
}

export function described({ type, help, unit }: MetricMetadata): object {
  return { type, help, unit };
}

/** -1, no limit, when absent. */
export function countParam(params: Params, name: string): number {
  const text = params.get(name)?.[0] ?? '';
  if (text === '') return -1;
  if (!/^[+-]?\d{1,15}$/.test(text)) throw invalidParam(name, `${name} must be a number`);
  return Number(text);
}
