import type { Clock, Logger, SelfMetrics } from '@tidemark/base';
import { FanOut, httpStore, remoteReads, StoreWatch } from '@tidemark/query';
import type { TsdbAdmin } from '../api/tsdb-admin.ts';
import type { Config } from '../config/schema.ts';
import type { Reads } from './reads.ts';
import { remoteAdmin } from './remote-admin.ts';

export interface RemoteStoresParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

export interface RemoteStores {
  readonly reads: Reads;
  readonly admin: TsdbAdmin;
  /** Why no query can be answered in full, for people; undefined when it can. */
  problem(): string | undefined;
  close(): Promise<void>;
}

/** The stores that `query.stores` names, as one. They may be away: they are asked until they are there. */
export function startRemoteStores({ config, clock, logger, metrics }: RemoteStoresParts): RemoteStores {
  const { stores, zone, hedgeAfter } = config.query;
  const clients = [...new Set(stores)].map(httpStore);
  const watch = new StoreWatch({ clients, clock, logger: logger.child('query'), metrics });
  watch.start();
  const fanOut = new FanOut({
    watch,
    clock,
    metrics,
    zone: zone === '' ? config.store.zone : zone,
    hedgeAfterMs: hedgeAfter,
  });
  return {
    reads: remoteReads(fanOut, () => watch.partitions),
    admin: remoteAdmin(watch),
    problem() {
      const count = watch.partitions;
      if (count === undefined) return watch.whyMissing([0]);
      const answering = watch.views.flatMap(({ answers, state }) => (answers && state ? state.owned : []));
      const missing = Array.from({ length: count }, (_, partition) => partition).filter((p) => !answering.includes(p));
      return missing.length === 0 ? undefined : watch.whyMissing(missing);
    },
    close: () => watch.close(),
  };
}
