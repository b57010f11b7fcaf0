import { type KeptMs, Retention, type RetentionRule } from '@tidemark/model';
import type { Config } from './schema.ts';

// What the configuration says of how long things are kept, in the words of the rest.

type StoreConfig = Pick<Config['store'], 'retentionRaw' | 'retention1m' | 'retention1h' | 'retentionRules'>;

export function keptMsOf({ retentionRaw, retention1m, retention1h }: Omit<StoreConfig, 'retentionRules'>): KeptMs {
  return { raw: retentionRaw, '1m': retention1m, '1h': retention1h };
}

export function rulesOf({ retentionRules }: StoreConfig): RetentionRule[] {
  return retentionRules.map(({ tenant, metric, raw, '1m': minutes, '1h': hours }) => ({
    tenant,
    metric,
    keepMs: {
      ...(raw !== undefined && { raw }),
      ...(minutes !== undefined && { '1m': minutes }),
      ...(hours !== undefined && { '1h': hours }),
    },
  }));
}

export function retentionOf(store: StoreConfig): Retention {
  return new Retention(keptMsOf(store), rulesOf(store));
}
