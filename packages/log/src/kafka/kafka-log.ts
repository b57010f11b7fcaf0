import { checkName, closed } from '../errors.ts';
import type {
  GroupMember,
  GroupOptions,
  Isolation,
  Log,
  LogReader,
  OutgoingRecord,
  PartitionBounds,
  Position,
  ProducerOptions,
  ReaderOptions,
  TopicPartition,
  TopicSpec,
  TransactionalProducer,
} from '../log.ts';
import { type KafkaRights, mustBeAllowed } from './allowed.ts';
import { Appender } from './appender.ts';
import { type ClientParts, KafkaClient } from './client.ts';
import { KafkaGroups } from './group/kafka-groups.ts';
import { KafkaReader } from './kafka-reader.ts';
import { IdempotentNumbering } from './numbering.ts';
import { KAFKA_LOG_DEFAULTS, type KafkaLogOptions } from './options.ts';
import { KafkaPositions } from './positions.ts';
import { Sender } from './sender.ts';
import { KafkaTopics } from './topics.ts';
import { KafkaTransactions } from './transaction/kafka-transactions.ts';

// The log that is a Kafka cluster. Everything it says to brokers goes through one client.
//
//   append         appender -> sender         idempotent batches, numbered per partition
//   openReader     kafka-reader               fetches from leaders, and from whoever leads next
//   openProducer   transaction/               a whole transaction at its commit
//   joinGroup      group/                     members, and whose positions are whose
//   commit, ...    positions, topics

export interface KafkaLogParts extends Omit<ClientParts, 'options'> {
  readonly options: Partial<KafkaLogOptions> & Pick<KafkaLogOptions, 'brokers'>;
  /** Ends the wait for a broker. */
  readonly signal?: AbortSignal;
  /** How long to wait for a broker that answers; operationMaxMs unless said. */
  readonly reachMaxMs?: number;
}

/**
 * Asks a broker who is there. Throws `LOG_IO` when none answers in time, `LOG_DENIED`, `LOG_UNTRUSTED`, `LOG_PROTOCOL`, the
 * signal's reason.
 */
export async function openKafkaLog({ signal, reachMaxMs, ...parts }: KafkaLogParts): Promise<KafkaLog> {
  const client = new KafkaClient({ ...parts, options: { ...KAFKA_LOG_DEFAULTS, ...parts.options } });
  const close = () => client.close();
  signal?.addEventListener('abort', close, { once: true });
  try {
    signal?.throwIfAborted();
    const maxMs = reachMaxMs ?? client.options.operationMaxMs;
    await client.retrying('reach Kafka', () => client.cluster([]), { maxMs });
  } catch (error) {
    client.close();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', close);
  }
  return new KafkaLog(client);
}

export class KafkaLog implements Log {
  readonly #client: KafkaClient;
  readonly #topics: KafkaTopics;
  readonly #positions: KafkaPositions;
  readonly #appender: Appender;
  readonly #groups: KafkaGroups;
  readonly #transactions: KafkaTransactions;
  readonly #readers = new Set<KafkaReader>();
  #lanes = 0;
  #closing: Promise<void> | undefined;

  constructor(client: KafkaClient) {
    this.#client = client;
    this.#topics = new KafkaTopics(client);
    this.#positions = new KafkaPositions(client);
    this.#appender = new Appender(client, this.#topics, new Sender(client, new IdempotentNumbering(client)));
    const mustBeOpen = () => this.#mustBeOpen();
    const check = (positions: readonly Position[]) => this.#positions.check(positions);
    this.#groups = new KafkaGroups({ client, mustBeOpen, check });
    const ownerOf = this.#groups.ownerOf.bind(this.#groups);
    this.#transactions = new KafkaTransactions({ client, topics: this.#topics, mustBeOpen, check, ownerOf });
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#mustBeOpen();
    await this.#topics.ensure(topics);
  }

  /** What this process is going to do with topics that are there, and with groups. Throws `LOG_DENIED` with all that is missing. */
  async mustBeAllowed(rights: KafkaRights): Promise<void> {
    this.#mustBeOpen();
    await mustBeAllowed(this.#client, rights);
  }

  async topics(): Promise<readonly TopicSpec[]> {
    this.#mustBeOpen();
    return await this.#topics.list();
  }

  async append(records: readonly OutgoingRecord[]): Promise<readonly number[]> {
    this.#mustBeOpen();
    return await this.#appender.append(records);
  }

  async bounds(topic: string, isolation: Isolation = 'uncommitted'): Promise<readonly PartitionBounds[]> {
    this.#mustBeOpen();
    return await this.#positions.bounds(topic, isolation);
  }

  async openReader({ from, group, isolation = 'committed' }: ReaderOptions): Promise<LogReader> {
    this.#mustBeOpen();
    checkName('group', group);
    await this.#positions.checkKnown(from);
    const at = from.map(({ topic, partition }) => ({ topic, partition }));
    const bounds = from.every(({ offset }) => typeof offset === 'number')
      ? []
      : await this.#positions.boundsOf(at, isolation);
    const ofGroup = from.filter(({ offset }) => offset === 'committed');
    const committed = await this.#positions.committed(group, ofGroup);
    const start = from.map(({ topic, partition, offset }, i) => {
      if (typeof offset === 'number') return { topic, partition, offset };
      const { start: first, end } = bounds[i] as PartitionBounds;
      const known = committed.find((each) => each.topic === topic && each.partition === partition);
      if (offset === 'latest') return { topic, partition, offset: end };
      return { topic, partition, offset: offset === 'committed' ? (known?.offset ?? first) : first };
    });
    this.#mustBeOpen();
    const client = this.#client;
    const reader: KafkaReader = new KafkaReader(
      {
        client,
        positions: this.#positions,
        group,
        isolation,
        lane: `read-${this.#lanes++}`,
        onClose: () => this.#readers.delete(reader),
      },
      start,
    );
    this.#readers.add(reader);
    return reader;
  }

  async commit(group: string, positions: readonly Position[]): Promise<void> {
    this.#mustBeOpen();
    this.#groups.mustHaveNoMembers(group);
    await this.#positions.commit(group, positions);
  }

  async committed(group: string, partitions: readonly TopicPartition[]): Promise<readonly Position[]> {
    this.#mustBeOpen();
    return await this.#positions.committed(group, partitions);
  }

  async forget(group: string): Promise<void> {
    this.#mustBeOpen();
    this.#groups.mustHaveNoMembers(group);
    await this.#positions.forget(group);
  }

  openProducer(options: ProducerOptions): Promise<TransactionalProducer> {
    return this.#transactions.open(options);
  }

  joinGroup(options: GroupOptions): Promise<GroupMember> {
    return this.#groups.join(options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#appender.close(), this.#groups.closeAll(), this.#transactions.close()]);
    for (const reader of [...this.#readers]) await reader.close();
    this.#client.close();
  }

  #mustBeOpen(): void {
    if (this.#closing) throw closed('log');
    this.#client.mustBeOpen();
  }
}
