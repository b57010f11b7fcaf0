import { TidemarkError } from '@tidemark/base';
import type { Config, Role } from '../config/schema.ts';

// What each role opens. A process opens what one of its roles needs, and nothing else.
//
//               listener  log  data folder       engine  query service  ingest pipeline
//   collect        ·       ×                                                  ×            samples go straight to the log
//   ingest         ·       ×                                                  ×
//   repartition    ·       ×                                                  ×            samples of others, through admission
//   rollup         ·       ×   state of tasks
//   store          ·       ×   heads, windows       ×
//   query          ·                                          ×                            over the engine here, or over query.stores
//   rules          ·       ×                                  ×               ×            records results, asks strongly
//   notify         ·       ×
//   ui             ·                                                                       the page alone
//
// The embedded log is in the data folder, so whoever needs it needs the folder; with Kafka only those that keep something do.

export interface Needs {
  readonly log: boolean;
  readonly dataFolder: boolean;
  readonly reads: boolean;
  readonly pipeline: boolean;
}

const LOG: readonly Role[] = ['collect', 'ingest', 'repartition', 'rollup', 'store', 'rules', 'notify'];
const STATE: readonly Role[] = ['rollup', 'store'];
const READS: readonly Role[] = ['query', 'rules'];
const PIPELINE: readonly Role[] = ['collect', 'ingest', 'repartition', 'rules'];

export function needsOf(config: Pick<Config, 'roles'> & { readonly log: Pick<Config['log'], 'kind'> }): Needs {
  const isEmbedded = config.log.kind === 'embedded';
  const any = (roles: readonly Role[]) => config.roles.some((role) => roles.includes(role));
  return {
    log: any(LOG),
    dataFolder: (isEmbedded && any(LOG)) || any(STATE),
    reads: any(READS),
    pipeline: any(PIPELINE),
  };
}

/** Throws `CONFIG_INVALID` where the roles of a process cannot work with what it is told. */
export function checkRoles({ roles, query, store, rollup, log, kafka }: Pick<Config, 'roles'> & RolesConfig): void {
  const reader = READS.find((role) => roles.includes(role));
  if (reader !== undefined && !roles.includes('store') && query.stores.length === 0) {
    throw new TidemarkError(
      'CONFIG_INVALID',
      `roles: ${reader} reads what is stored; add store to roles, name processes that store in query.stores, or leave ${reader} out`,
      { role: reader },
    );
  }
  if (log.kind === 'kafka' && kafka.brokers.length === 0) {
    throw new TidemarkError('CONFIG_INVALID', 'log.kind: kafka needs brokers to ask; name some in kafka.brokers', {});
  }
  for (const [role, { replicas }] of Object.entries({ store, rollup })) {
    if (log.kind !== 'embedded' || !roles.some((each) => each === role) || replicas === 1) continue;
    throw new TidemarkError(
      'CONFIG_INVALID',
      `${role}.replicas: ${replicas} processes share one log, and the embedded log serves one; set log.kind: kafka`,
      { replicas },
    );
  }
}

interface RolesConfig {
  readonly query: Pick<Config['query'], 'stores'>;
  readonly store: Pick<Config['store'], 'replicas'>;
  readonly rollup: Pick<Config['rollup'], 'replicas'>;
  readonly log: Pick<Config['log'], 'kind'>;
  readonly kafka: Pick<Config['kafka'], 'brokers'>;
}
