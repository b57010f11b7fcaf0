import type { StorageEngine, Usage } from '@tidemark/storage-engine';
import type { Question } from './routes.ts';
import { tsdbLimit } from './tsdb-status.ts';

// GET /api/v1/status/usage: what a tenant's metrics take on disk and in the object store. Not Prometheus'.

type UsageAnswer = Pick<Usage, 'tiers' | 'metrics' | 'warnings'> & { readonly metricCount: number };

export function usageStatus(engine: StorageEngine) {
  return async ({ tenant, params, signal }: Question): Promise<UsageAnswer> => {
    const { count, tiers, metrics, warnings } = await engine.usage({ tenant, limit: tsdbLimit(params), signal });
    return { metricCount: count, tiers, metrics, warnings };
  };
}
