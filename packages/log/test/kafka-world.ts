import { randomUUID } from 'node:crypto';
import { silentLogger, systemRandom } from '@tidemark/base';
import type { LimitsUnderTest, LogSupports, LogWorld } from '../src/conformance/supports.ts';
import { RAW } from '../src/conformance/traits.ts';
import { KafkaClient } from '../src/kafka/client.ts';
import { KafkaLog } from '../src/kafka/kafka-log.ts';
import { kafkaMetrics } from '../src/kafka/metrics.ts';
import { KAFKA_LOG_DEFAULTS, type KafkaLogOptions } from '../src/kafka/options.ts';
import type { PartitionBounds } from '../src/log.ts';
import { deleteRecordsRequest } from './delete-records.ts';
import { LeapingClock } from './leaping-clock.ts';

// A namespace of its own on a cluster. Clients' time leaps; that of brokers passes.

/** Members fall silent with their process: groups.kafka.test.ts. */
export const KAFKA_SUPPORTS: LogSupports = {
  identity: false,
  crash: true,
  compaction: false,
  sessions: false,
  releases: false,
  countsGroups: false,
};

const MEANWHILE_MS = 100;

export class KafkaWorld implements LogWorld {
  readonly clock = new LeapingClock();
  readonly #options: Partial<KafkaLogOptions> & Pick<KafkaLogOptions, 'brokers' | 'namespace'>;
  readonly #logs: KafkaLog[] = [];
  /** What there was, and when. */
  readonly #seen: { readonly atMs: number; readonly bounds: readonly PartitionBounds[] }[] = [];
  #client: KafkaClient | undefined;
  #retainMaxMs: number | undefined;

  constructor(options: Partial<KafkaLogOptions> & Pick<KafkaLogOptions, 'brokers'>) {
    this.#options = { namespace: `${randomUUID()}.`, heartbeatMs: 50, compressAboveBytes: 100, ...options };
  }

  async open({ retainMaxMs, tombstoneMaxMs: _, groupsMax: __, ...limits }: LimitsUnderTest = {}): Promise<KafkaLog> {
    this.#retainMaxMs = retainMaxMs;
    const client = new KafkaClient({
      clock: this.clock,
      random: systemRandom,
      logger: silentLogger,
      metrics: kafkaMetrics(),
      options: { ...KAFKA_LOG_DEFAULTS, ...this.#options, ...limits },
    });
    const log = new KafkaLog(client);
    this.#client = client;
    this.#logs.push(log);
    return log;
  }

  /** Its connections break off, and it says no word more. */
  async crash(): Promise<void> {
    this.#client?.close();
  }

  /** What is older than `retainMaxMs` goes, as brokers would do it minutes later: they stamp records, by their own clock. */
  async retain(): Promise<void> {
    const client = this.#client;
    if (!client || this.#retainMaxMs === undefined) return;
    const beforeMs = this.clock.nowMs() - this.#retainMaxMs;
    for (const { topic, partition, end } of this.#seen.findLast(({ atMs }) => atMs <= beforeMs)?.bounds ?? []) {
      const { nodeId } = await client.leaderOf({ topic, partition });
      const below = { topic: client.names.toBroker(topic), partition, offset: end };
      const { errors } = await client.send(nodeId, deleteRecordsRequest([below]));
      if (errors.some((error) => error !== 0)) throw new Error(`records cannot be deleted: ${errors}`);
    }
  }

  async advance(ms: number): Promise<void> {
    if (this.#retainMaxMs !== undefined) {
      const bounds = (await this.#logs.at(-1)?.bounds(RAW.name)) ?? [];
      this.#seen.push({ atMs: this.clock.nowMs(), bounds });
    }
    this.clock.leap(ms);
    await this.clock.sleep(MEANWHILE_MS);
  }

  nowMs(): number {
    return this.clock.nowMs();
  }

  silence(): void {
    throw new Error('members fall silent with their process');
  }

  async end(): Promise<void> {
    for (const log of this.#logs) await log.close();
  }
}
