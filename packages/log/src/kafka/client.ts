import { type Clock, type Logger, messageOf, type Random } from '@tidemark/base';
import { closed, partitionUnknown, topicUnknown } from '../errors.ts';
import type { TopicPartition } from '../log.ts';
import { type Address, BrokerConnection } from './broker-connection.ts';
import { BrokerFault, BrokerUnreachable, type Helps, isFault, kafkaError, mustSucceed } from './broker-fault.ts';
import type { KafkaMetrics } from './metrics.ts';
import type { KafkaLogOptions } from './options.ts';
import { type CoordinatorKind, findCoordinatorRequest } from './protocol/find-coordinator.ts';
import {
  type ClusterMetadata,
  metadataRequest,
  type PartitionMetadata,
  type TopicMetadata,
} from './protocol/metadata.ts';
import type { ErrorCode, KafkaRequest } from './protocol/request.ts';
import { type Asker, askerOf } from './rights.ts';

// The cluster as this process knows it, and connections to it.
//
//   leaderOf, topic     <- Metadata, kept until an error or metadataMaxMs says it is old
//   coordinatorOf       <- FindCoordinator, kept until an error says somebody else does it
//   send(node, ...)     -> one connection for each (broker, lane); a lane is whatever must not wait behind another
//   retrying(...)       asks again, after what helps, until operationMaxMs is over
//
// Names here are the log's; `names` makes the broker's of them, which differ by the namespace.

export interface ClientParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: KafkaMetrics;
  readonly options: KafkaLogOptions;
}

export interface SendOptions {
  /** `control` unless said otherwise. */
  readonly lane?: string;
  /** requestMaxMs unless said otherwise. */
  readonly timeoutMs?: number;
}

/** What an answer says: of the whole, or of the first topic (at the broker) that was refused. */
export type Verdict = ErrorCode | { readonly error: ErrorCode; readonly topic: string };

export interface RetryOptions {
  /** operationMaxMs unless said otherwise. */
  readonly maxMs?: number;
  readonly signal?: AbortSignal;
}

// Metadata and coordinators are asked of several brokers in turn: one that is silent must not use up all the time there is.
const ASK_ANY_MAX_MS = 2000;
// A topic that was made a moment ago is not known to every broker: asked again so often, with retryMaxMs in between at most.
const UNKNOWN_TOPIC_TRIES = 3;

export class KafkaClient {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: KafkaMetrics;
  readonly options: KafkaLogOptions;
  /** Name in the log -> name at the broker, for topics, groups and transactional ids, and back. */
  readonly names: { toBroker(name: string): string; fromBroker(name: string): string | undefined };
  readonly asker: Asker;
  readonly #seeds: readonly Address[];
  readonly #nodes = new Map<number, Address>();
  readonly #topics = new Map<string, TopicMetadata>();
  readonly #coordinators = new Map<string, number>();
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  readonly #opened = new Set<BrokerConnection>();
  /** Brokers that did not answer lately, and when that was: asked last. */
  readonly #silent = new Map<string, number>();
  readonly #closing = new AbortController();
  #refreshing: Promise<void> | undefined;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: ClientParts) {
    this.clock = parts.clock;
    this.random = parts.random;
    this.logger = parts.logger;
    this.metrics = parts.metrics;
    this.options = parts.options;
    const { namespace } = parts.options;
    this.names = {
      toBroker: (name) => `${namespace}${name}`,
      fromBroker: (name) => (name.startsWith(namespace) ? name.slice(namespace.length) : undefined),
    };
    this.asker = askerOf(parts.options);
    this.#seeds = parts.options.brokers.map(addressOf);
  }

  get isOpen(): boolean {
    return !this.#closing.signal.aborted;
  }

  /** Throws `LOG_CLOSED`. */
  mustBeOpen(): void {
    if (!this.isOpen) throw closed('log');
  }

  /**
   * The broker's answer, on this lane. Throws `BrokerUnreachable`, `LOG_DENIED`, `LOG_UNTRUSTED`, `LOG_PROTOCOL`, `LOG_CLOSED`; error codes in
   * the answer are the caller's to look at.
   */
  async send<T>(nodeId: number, request: KafkaRequest<T>, options: SendOptions = {}): Promise<T> {
    const address = this.#nodes.get(nodeId);
    if (!address) throw new BrokerUnreachable(`broker ${nodeId}`, 'its address is not known', false);
    return await this.#sendTo(address, request, options);
  }

  /** Ends this lane's connections to all brokers. */
  closeLane(lane: string): void {
    for (const [key, opening] of this.#connections) {
      if (!key.endsWith(` ${lane}`)) continue;
      this.#connections.delete(key);
      opening.then(
        (connection) => this.#drop(connection, 'its lane is closed'),
        () => undefined,
      );
    }
  }

  /** Asks brokers in turn until one answers. Throws what the last one met. */
  async sendToAny<T>(request: KafkaRequest<T>): Promise<T> {
    const timeoutMs = Math.min(this.options.requestMaxMs, ASK_ANY_MAX_MS);
    let last: unknown;
    for (const address of this.#candidates()) {
      this.mustBeOpen();
      try {
        return await this.#sendTo(address, request, { timeoutMs });
      } catch (error) {
        if (!(error instanceof BrokerUnreachable)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** Asks the cluster's controller, or whoever passes it on. */
  async sendToController<T>(request: KafkaRequest<T>, timeoutMs?: number): Promise<T> {
    const { controller } = await this.cluster([]);
    return await this.send(controller, request, timeoutMs === undefined ? {} : { timeoutMs });
  }

  /** Fresh metadata of these topics (names at the broker), or of all. */
  async cluster(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const cluster = await this.sendToAny(metadataRequest(topics));
    for (const { nodeId, host, port } of cluster.brokers) this.#nodes.set(nodeId, { host, port });
    return cluster;
  }

  /** What is known of a topic, asked for where nothing is. Throws `LOG_TOPIC_UNKNOWN`. */
  async topic(name: string): Promise<TopicMetadata> {
    const known = this.knownTopic(name);
    if (known) return known;
    for (let left = UNKNOWN_TOPIC_TRIES; ; left--) {
      const found = await this.#learn(name);
      if (found) return found;
      if (left <= 1) throw topicUnknown(name);
      await this.#pause(this.options.retryMinMs * 10);
    }
  }

  knownTopic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  /** Topics that were created or changed are asked for anew. */
  forgetTopics(): void {
    this.#topics.clear();
  }

  /** Throws `LOG_TOPIC_UNKNOWN`, `LOG_PARTITION_UNKNOWN`; a partition that nobody leads is a `BrokerFault`. */
  async leaderOf(at: TopicPartition): Promise<{ readonly nodeId: number; readonly leaderEpoch: number }> {
    return leaderIn(at, partitionIn(await this.topic(at.topic), at));
  }

  /** The leader as far as is known without asking. */
  knownLeaderOf({ topic, partition }: TopicPartition): number | undefined {
    const leader = this.#topics.get(topic)?.partitions[partition]?.leader;
    return leader === -1 ? undefined : leader;
  }

  /** `request`: what it is wanted for. Throws `BrokerFault`, `BrokerUnreachable`. */
  async coordinatorOf(kind: CoordinatorKind, id: string, request?: string): Promise<number> {
    const key = `${kind} ${id}`;
    const known = this.#coordinators.get(key);
    if (known !== undefined) return known;
    const found = await this.sendToAny(findCoordinatorRequest(kind, this.names.toBroker(id)));
    mustSucceed(found.error, `find the coordinator of ${kind} ${id}`, contextOf(kind, id, request));
    this.#nodes.set(found.nodeId, { host: found.host, port: found.port });
    this.#coordinators.set(key, found.nodeId);
    return found.nodeId;
  }

  forgetCoordinator(kind: CoordinatorKind, id: string): void {
    this.#coordinators.delete(`${kind} ${id}`);
  }

  /**
   * Asks the coordinator, once. An answer whose code says that somebody else is it now, and no answer, make it be looked for
   * the next time. Throws `BrokerFault` for any code but 0, `BrokerUnreachable`; meant for `retrying`.
   */
  async sendToCoordinator<T>(
    kind: CoordinatorKind,
    id: string,
    request: KafkaRequest<T>,
    verdictOf: (answer: T) => Verdict,
    options: SendOptions = {},
  ): Promise<T> {
    const nodeId = await this.coordinatorOf(kind, id, request.name);
    try {
      const answer = await this.send(nodeId, request, options);
      const verdict = verdictOf(answer);
      const { error, topic } = typeof verdict === 'number' ? { error: verdict, topic: undefined } : verdict;
      const of = topic === undefined ? {} : { topic: this.names.fromBroker(topic) ?? topic };
      mustSucceed(error, `${request.name} of ${kind} ${id}`, { ...contextOf(kind, id, request.name), ...of });
      return answer;
    } catch (error) {
      if (error instanceof BrokerUnreachable || (error instanceof BrokerFault && error.helps === 'coordinator')) {
        this.forgetCoordinator(kind, id);
      }
      throw error;
    }
  }

  /** Asks who leads what now. Those who ask at the same time share the question. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Refreshes when metadata is older than metadataMaxMs. */
  async refreshIfOld(): Promise<void> {
    if (this.clock.monotonicMs() - this.#refreshedAtMs > this.options.metadataMaxMs) await this.refresh();
  }

  /**
   * The work's result; after faults that something helps against, again. `doing` is for the error: "commit positions of
   * group g". Throws `LOG_IO` when time is over or nothing helps, `LOG_DENIED`, `LOG_CLOSED`, the signal's reason, and what
   * the work throws besides faults.
   */
  async retrying<T>(doing: string, work: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
    const { clock } = this;
    const endMs = clock.monotonicMs() + (options.maxMs ?? this.options.operationMaxMs);
    for (let pauseMs = this.options.retryMinMs; ; pauseMs = Math.min(pauseMs * 2, this.options.retryMaxMs)) {
      this.mustBeOpen();
      options.signal?.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        this.mustBeOpen();
        const helps = this.noteFault(error);
        if (helps === 'nothing' || clock.monotonicMs() + pauseMs > endMs) throw kafkaError(error, doing);
        await this.#pause(pauseMs, options.signal);
        if (helps === 'leaders') await this.refreshQuietly();
      }
    }
  }

  /** Counts a fault, and notes who asked; says what helps against it. */
  noteFault(error: unknown): Helps {
    let helps: Helps = 'nothing';
    if (error instanceof BrokerUnreachable) helps = 'leaders';
    else if (error instanceof BrokerFault) {
      this.metrics.faults.with(error.fault).add();
      error.asker = this.asker;
      helps = error.helps;
    }
    if (helps !== 'nothing') this.metrics.retries.with(helps).add();
    return helps;
  }

  /** A refresh that may fail: whoever asks goes on with what is known, and meets the fault again. */
  async refreshQuietly(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      this.logger.debug('metadata', { error: messageOf(error) });
    }
  }

  /** After a fault: a while of retryMinMs doubled `tries` times, with jitter. */
  async backOff(tries: number, signal?: AbortSignal): Promise<void> {
    await this.#pause(Math.min(this.options.retryMinMs * 2 ** tries, this.options.retryMaxMs), signal);
  }

  /** Ends everything at once: whoever waits for an answer gets none. Twice is fine. */
  close(): void {
    if (!this.isOpen) return;
    this.#closing.abort(closed('log'));
    this.#connections.clear();
    for (const connection of [...this.#opened]) this.#drop(connection, 'the log is closed');
  }

  async #refresh(): Promise<void> {
    const names = [...this.#topics.keys()];
    const { topics } = await this.cluster(names.map((name) => this.names.toBroker(name)));
    for (const topic of topics) this.#note(topic);
    this.#refreshedAtMs = this.clock.monotonicMs();
  }

  async #learn(name: string): Promise<TopicMetadata | undefined> {
    return await this.retrying(`look up topic ${name}`, async () => {
      const { topics } = await this.cluster([this.names.toBroker(name)]);
      for (const topic of topics) {
        this.#note(topic);
        if (topic.error === DENIED)
          throw new BrokerFault(DENIED, `topic ${name}`, { request: 'Metadata', topic: name });
      }
      return this.#topics.get(name);
    });
  }

  #note(topic: TopicMetadata): void {
    const name = this.names.fromBroker(topic.name);
    if (name === undefined) return;
    const gone = topic.error !== 0 && isFault(new BrokerFault(topic.error, ''), ...UNKNOWN);
    // Whoever asks for it again is told.
    if (gone || topic.error === DENIED) this.#topics.delete(name);
    if (topic.error === 0) this.#topics.set(name, topic);
  }

  async #sendTo<T>(address: Address, request: KafkaRequest<T>, options: SendOptions): Promise<T> {
    const connection = await this.#connect(address, options.lane ?? 'control');
    try {
      const answer = await connection.send(request, options.timeoutMs ?? this.options.requestMaxMs);
      this.#silent.delete(connection.name);
      return answer;
    } catch (error) {
      if (error instanceof BrokerUnreachable) this.#drop(connection, error.message);
      this.mustBeOpen();
      throw error;
    }
  }

  async #connect(address: Address, lane: string): Promise<BrokerConnection> {
    this.mustBeOpen();
    const broker = `${address.host}:${address.port}`;
    const key = `${broker} ${lane}`;
    const known = await this.#connections.get(key)?.catch(() => undefined);
    if (known?.isOpen) return known;
    this.mustBeOpen();
    let opening = this.#connections.get(key);
    const stale = known !== undefined;
    if (!opening || stale) {
      if (known) this.#drop(known, 'it broke');
      opening = this.#open(address);
      this.#connections.set(key, opening);
      opening.catch(() => {
        if (this.#connections.get(key) === opening) this.#connections.delete(key);
      });
    }
    return await opening;
  }

  async #open(address: Address): Promise<BrokerConnection> {
    const broker = `${address.host}:${address.port}`;
    try {
      const connection = await BrokerConnection.open(address, this);
      this.#opened.add(connection);
      if (!this.isOpen) this.#drop(connection, 'the log is closed');
      this.mustBeOpen();
      return connection;
    } catch (error) {
      this.#silent.set(broker, this.clock.monotonicMs());
      throw error;
    }
  }

  #drop(connection: BrokerConnection, why: string): void {
    if (this.isOpen) this.#silent.set(connection.name, this.clock.monotonicMs());
    this.#opened.delete(connection);
    connection.destroy(why);
  }

  /** Known brokers and those to ask first, once each; those that were silent last, the longest silent of them first. */
  #candidates(): Address[] {
    const all = new Map<string, Address>();
    for (const address of [...this.#nodes.values(), ...this.#seeds])
      all.set(`${address.host}:${address.port}`, address);
    const order = [...all].map(([broker, address]) => ({
      address,
      silentAtMs: this.#silent.get(broker) ?? Number.NEGATIVE_INFINITY,
      chance: this.random.next(),
    }));
    order.sort((a, b) => (a.silentAtMs === b.silentAtMs ? a.chance - b.chance : a.silentAtMs - b.silentAtMs));
    return order.map(({ address }) => address);
  }

  async #pause(ms: number, signal?: AbortSignal): Promise<void> {
    // Half of it at least: those who failed together do not come back together.
    const jittered = ms * (0.5 + this.random.next() / 2);
    const { signal: closing } = this.#closing;
    await this.clock.sleep(jittered, signal ? AbortSignal.any([signal, closing]) : closing);
  }
}

const DENIED = 29;
const UNKNOWN = ['UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION'];

/** Throws `LOG_PARTITION_UNKNOWN`. */
export function partitionIn(topic: TopicMetadata, at: TopicPartition): PartitionMetadata {
  const found = topic.partitions[at.partition];
  if (!found) throw partitionUnknown(at, topic.partitions.length);
  return found;
}

function leaderIn(at: TopicPartition, found: PartitionMetadata): { nodeId: number; leaderEpoch: number } {
  if (found.leader === -1) throw new BrokerFault(5, `leader of ${at.topic}/${at.partition}`, at);
  return { nodeId: found.leader, leaderEpoch: found.leaderEpoch };
}

function contextOf(kind: CoordinatorKind, id: string, request: string | undefined) {
  const of = kind === 'group' ? { group: id } : { transactionalId: id };
  return request === undefined ? of : { ...of, request };
}

/** `host:port`, IPv6 hosts in brackets or not. */
function addressOf(broker: string): Address {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) };
}
