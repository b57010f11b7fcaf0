import { type Clock, type Logger, messageOf, type SelfMetrics, TaskGroup } from '@tidemark/base';
import type { GroupMember, Log } from '@tidemark/log';
import { type SampleSink, type SchemaSource, topicName } from '@tidemark/model';
import { repartitionMetrics } from './metrics.ts';
import {
  DEFAULT_REPARTITION_OPTIONS,
  DEFAULT_SCHEMA_PATIENCE,
  type RepartitionOptions,
  type SchemaPatience,
} from './options.ts';
import { Shift, type ShiftParts } from './shift.ts';
import type { SampleTopic } from './tenants.ts';
import { WriterSchemas } from './writer-schemas.ts';

// The repartition stage: samples that anyone wrote to `tidemark.samples`, one a record and under any key, become batches on
// `tidemark.raw`, partitioned by tenant and metric name.
//
//   tidemark.samples, any partition --> decoded by its writer's schema --> SampleSink: admission, routing, tidemark.raw
//                                                     |
//                                                     +--> tidemark.dead-letter
//
// It is no topology of this library: it waits for schemas and for the sink, and a processor never waits.

export const REPARTITION_GROUP = 'repartition';

export interface StartRepartition {
  readonly log: Log;
  /** Takes the samples; they count as read when it has acknowledged them. */
  readonly sink: SampleSink;
  readonly schemas: SchemaSource;
  /** What to read. All of them exist. */
  readonly topics: readonly SampleTopic[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: SelfMetrics;
  readonly topicPrefix?: string;
  readonly options?: Partial<RepartitionOptions>;
  readonly patience?: Partial<SchemaPatience>;
}

export interface Repartition {
  /** Commits what is acknowledged and leaves the group. Twice is fine. */
  close(): Promise<void>;
}

// A fault of the log: again soon, then more slowly.
const RESTART_MS = 500;
const RESTART_MAX_MS = 30_000;

export function startRepartition(start: StartRepartition): Repartition {
  const { log, sink, clock, logger } = start;
  const metrics = repartitionMetrics(start.metrics);
  const patience = { ...DEFAULT_SCHEMA_PATIENCE, ...start.patience };
  const schemas = new WriterSchemas({ source: start.schemas, clock, logger, metrics }, patience);
  const parts: ShiftParts = {
    log,
    sink,
    schemas,
    group: REPARTITION_GROUP,
    topics: start.topics,
    deadLetterTopic: topicName('dead-letter', start.topicPrefix),
    clock,
    logger,
    metrics,
    options: { ...DEFAULT_REPARTITION_OPTIONS, ...start.options },
  };
  const tasks = new TaskGroup((_, error) => logger.error('the repartition stage ended', { error: messageOf(error) }));
  tasks.spawn('repartition', async (signal) => {
    let pauseMs = RESTART_MS;
    while (!signal.aborted) {
      const startedMs = clock.nowMs();
      try {
        await membership(parts, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (clock.nowMs() - startedMs > RESTART_MAX_MS) pauseMs = RESTART_MS;
        metrics.restarts.add();
        logger.error('the repartition stage failed and begins again', { error: messageOf(error), pauseMs });
        await clock.sleep(pauseMs, signal);
        pauseMs = Math.min(pauseMs * 2, RESTART_MAX_MS);
      }
    }
  });
  return {
    async close() {
      await tasks.close();
      schemas.close();
    },
  };
}

/** From joining the group until the signal aborts. Throws what a shift failed with. */
async function membership(parts: ShiftParts, signal: AbortSignal): Promise<void> {
  const member = await parts.log.joinGroup({
    group: parts.group,
    topics: parts.topics.map(({ topic }) => topic),
  });
  const work: { shift: Shift | undefined } = { shift: undefined };
  const leave = () => void stopThenLeave(work, member);
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    for (let event = await member.next(); event; event = await member.next()) {
      await work.shift?.stop();
      work.shift = undefined;
      if (event.kind === 'revoked' || signal.aborted) continue;
      work.shift = new Shift(parts, member, event.generation, event.partitions);
      // One that fails takes the membership with it.
      work.shift.done.catch(() => member.close());
    }
    await work.shift?.stop();
  } finally {
    signal.removeEventListener('abort', leave);
    await work.shift?.stop().catch(() => undefined);
    await member.close();
  }
}

/** In this order, so that what is under way can still be committed. A failure is told by whoever waits for the events. */
async function stopThenLeave(work: { shift: Shift | undefined }, member: GroupMember): Promise<void> {
  await work.shift?.stop().catch(() => undefined);
  await member.close();
}
