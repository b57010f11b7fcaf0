import type { LogLevel } from '@tidemark/base';
import type { Retention } from '@tidemark/model';
import { rulesOf } from '../config/retention.ts';
import type { ReloadPart } from '../reload.ts';
import type { Alerting } from './alerting.ts';
import type { Collector } from './collector.ts';
import type { IngestRole } from './ingest.ts';
import type { StoreRole } from './store.ts';

export interface Reloadable {
  readonly setLogLevel: (level: LogLevel) => void;
  /** As queries and repairs have it. */
  readonly retention: Retention;
  readonly store: StoreRole | undefined;
  readonly ingest: IngestRole | undefined;
  readonly alerting: Alerting | undefined;
  readonly collector: Collector | undefined;
  /** Where this process is scraped by itself. */
  readonly ownUrl: string;
}

/** Which settings can change while this process runs, and who takes them over. */
export function reloadParts({
  setLogLevel,
  retention,
  store,
  ingest,
  alerting,
  collector,
  ownUrl,
}: Reloadable): ReloadPart[] {
  const parts: ReloadPart[] = [
    { settings: ['logging.level'], prepare: async (next) => () => setLogLevel(next.config.logging.level) },
    { settings: ['federation'], prepare: async () => () => undefined },
    {
      settings: ['store.retentionRules'],
      prepare: async (next) => () => {
        const rules = rulesOf(next.config.store);
        // Lengths of whole tiers stay as they were at the start.
        retention.replace(retention.defaults, rules);
        store?.engine.setRetention(retention.defaults, rules);
      },
    },
  ];
  if (ingest) parts.push({ settings: ['ingest'], prepare: async (next) => () => ingest.takeOver(next.config) });
  if (alerting?.prepareRules) {
    const { prepareRules } = alerting;
    parts.push({ settings: ['rules.files'], prepare: (next) => prepareRules(next.config) });
  }
  if (alerting?.notifying) {
    const { notifying } = alerting;
    parts.push({ settings: ['notifier'], prepare: (next) => notifying.prepare(next.config.notifier) });
  }
  if (collector) {
    parts.push({
      settings: ['scrape', 'collector.self', 'collector.selfInterval'],
      prepare: async (next) => () => collector.scrape(next, ownUrl),
    });
  }
  return parts;
}
