import { assert, must } from '@tidemark/base';
import { closed, positionLost } from '../errors.ts';
import type {
  FetchedRecords,
  FetchOptions,
  Isolation,
  LogReader,
  PartitionBounds,
  Position,
  TopicPartition,
} from '../log.ts';
import { recordBytes } from '../record.ts';
import { BrokerFault, isFault, kafkaError } from './broker-fault.ts';
import type { KafkaClient } from './client.ts';
import { FetchedBatches } from './fetched-batches.ts';
import type { KafkaPositions } from './positions.ts';
import { type FetchAnswer, fetchRequest } from './protocol/fetch.ts';

// Reads partitions: what brokers answered waits as bytes, a fetch takes from it, and asks for more where nothing is left.
//
//   leader 1 <- one request at a time for those of its partitions that have nothing -> buffers -> fetch, in turn
//   leader 2 <- ...
//
// A request may be under way longer than the fetch that began it: its answer is for the next one. While something is at hand
// the others are asked ahead, so that nobody starves behind a busy partition, unless fetchBytesMax are kept already. So at most
// fetchBytesMax for each leader and once more are kept, beside what paused partitions have, and one batch of each decoded.

interface Assigned {
  readonly at: TopicPartition;
  position: number;
  paused: boolean;
  batches: FetchedBatches | undefined;
  /** A request that asks for it is under way. */
  isAsked: boolean;
  /** Raised by a seek: an answer from before it is of no use. */
  seeks: number;
  fault: unknown;
}

interface Asked {
  readonly each: Assigned;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly seeks: number;
}

export interface ReaderParts {
  readonly client: KafkaClient;
  readonly positions: KafkaPositions;
  readonly group: string;
  readonly isolation: Isolation;
  /** Of its connections: a fetch that waits keeps nobody else waiting. */
  readonly lane: string;
  readonly onClose: () => void;
}

export class KafkaReader implements LogReader {
  readonly #parts: ReaderParts;
  readonly #assigned: readonly Assigned[];
  readonly #closing = new AbortController();
  /** Leaders with a request of ours under way. */
  readonly #busy = new Set<number>();
  readonly #watchers = new Set<() => void>();
  /** So far. One that came while leaders were looked up is not waited for again. */
  #wakes = 0;
  /** Whose turn it is to be handed out first: behind the last that was. */
  #turn = 0;
  #faults = 0;
  #faultsSinceMs: number | undefined;
  #isFetching = false;
  /** Undefined: the last fetch had nothing to hand out. */
  #handedOutAtMs: number | undefined;

  constructor(parts: ReaderParts, from: readonly Position[]) {
    this.#parts = parts;
    this.#assigned = from.map(({ topic, partition, offset }) => ({
      at: { topic, partition },
      position: offset,
      paused: false,
      batches: undefined,
      isAsked: false,
      seeks: 0,
      fault: undefined,
    }));
  }

  async fetch(options: FetchOptions): Promise<readonly FetchedRecords[]> {
    this.#mustBeOpen();
    assert(!this.#isFetching, 'a reader fetches once at a time');
    options.signal?.throwIfAborted();
    const { client, group } = this.#parts;
    const beganMs = client.clock.monotonicMs();
    if (this.#handedOutAtMs !== undefined) {
      const workedMs = beganMs - this.#handedOutAtMs - (options.restedMs ?? 0);
      client.metrics.processSeconds.with(group).add(Math.max(0, workedMs) / 1000);
    }
    this.#handedOutAtMs = undefined;
    this.#isFetching = true;
    try {
      const fetched = await this.#fetch(options, beganMs);
      if (fetched.length > 0) this.#handedOutAtMs = client.clock.monotonicMs();
      return fetched;
    } finally {
      this.#isFetching = false;
      client.metrics.fetchSeconds.with(group).add((client.clock.monotonicMs() - beganMs) / 1000);
    }
  }

  seek(position: Position): void {
    this.#mustBeOpen();
    const each = this.#of(position);
    each.position = position.offset;
    each.batches = undefined;
    each.fault = undefined;
    each.seeks++;
    this.#wake();
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#mustBeOpen();
    for (const at of partitions) this.#of(at).paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#mustBeOpen();
    for (const at of partitions) this.#of(at).paused = false;
    this.#wake();
  }

  positions(): readonly Position[] {
    this.#mustBeOpen();
    return this.#assigned.map(({ at, position }) => ({ ...at, offset: position }));
  }

  /** Twice is fine. A fetch under way ends with LOG_CLOSED. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(closed('reader'));
    this.#parts.client.closeLane(this.#parts.lane);
    this.#wake();
    this.#parts.onClose();
  }

  async #fetch(options: FetchOptions, beganMs: number): Promise<readonly FetchedRecords[]> {
    const { clock, options: limits } = this.#parts.client;
    const endMs = beganMs + Math.max(0, options.maxWaitMs);
    for (let round = 0; ; round++) {
      this.#mustBeOpen();
      options.signal?.throwIfAborted();
      const wakes = this.#wakes;
      const taken = this.#take(options.maxBytes);
      if (taken.length > 0) {
        void this.#ask(limits.fetchWaitMs, 'ahead');
        return taken;
      }
      this.#throwFault();
      const nowMs = clock.monotonicMs();
      const leftMs = endMs - nowMs;
      // With no time left it still hears out whom it asked, but not one that is silent.
      const isHeard = this.#busy.size === 0 || nowMs >= beganMs + limits.fetchWaitMs;
      if (leftMs <= 0 && round > 0 && isHeard) return [];
      if (leftMs > 0 || round === 0) await this.#ask(Math.max(0, Math.min(leftMs, limits.fetchWaitMs)), 'now');
      if (this.#wakes === wakes) await this.#untilWoken(options.signal, leftMs);
    }
  }

  #take(maxBytes: number): FetchedRecords[] {
    const out: FetchedRecords[] = [];
    let left = maxBytes;
    const count = this.#assigned.length;
    const first = this.#turn;
    for (let i = 0; i < count && (left > 0 || out.length === 0); i++) {
      const index = (first + i) % count;
      const each = this.#assigned[index] as Assigned;
      if (each.paused || !each.batches) continue;
      try {
        const taken = each.batches.take(left);
        if (!taken) {
          each.batches = undefined;
          continue;
        }
        each.position = taken.nextOffset;
        this.#turn = (index + 1) % count;
        out.push({ ...each.at, ...taken });
        for (const record of taken.records) left -= recordBytes(record);
        this.#parts.client.metrics.fetchedRecords.add(taken.records.length);
      } catch (error) {
        each.batches = undefined;
        // What was taken before is handed out first: its positions have moved.
        if (out.length === 0) throw error;
        each.fault = error;
        return out;
      }
    }
    return out;
  }

  #throwFault(): void {
    const each = this.#assigned.find(({ fault, paused }) => fault !== undefined && !paused);
    if (!each) return;
    const { fault } = each;
    each.fault = undefined;
    throw fault;
  }

  /** Asks leaders that are free for what is missing; does not wait for answers. Ahead: only while something is at hand. */
  async #ask(maxWaitMs: number, when: 'now' | 'ahead'): Promise<void> {
    if (this.#roomBytes(when) <= 0) return;
    const led: { readonly each: Assigned; readonly nodeId: number; readonly leaderEpoch: number }[] = [];
    for (const each of this.#assigned) {
      if (!this.#lacks(each)) continue;
      try {
        led.push({ each, ...(await this.#parts.client.leaderOf(each.at)) });
      } catch (error) {
        await this.#failed(error, each);
      }
    }
    // From here on nothing is waited for: while leaders were looked up, another look may have asked some of them.
    const maxBytes = this.#roomBytes(when);
    if (maxBytes <= 0) return;
    const free = led.filter(({ each, nodeId }) => this.#lacks(each) && !this.#busy.has(nodeId));
    for (const [nodeId, ofLeader] of Map.groupBy(free, (one) => one.nodeId)) {
      const asked = ofLeader.map(({ each, leaderEpoch }) => {
        const { position: offset, seeks } = each;
        return { each, offset, leaderEpoch, seeks };
      });
      void this.#exchange(nodeId, asked, { maxWaitMs, maxBytes });
    }
  }

  #lacks({ paused, isAsked, batches }: Assigned): boolean {
    return !paused && !isAsked && !batches?.bytesKept;
  }

  /** How much may be asked for. Ahead nothing where nothing is at hand, for then a fetch asks: it has room whatever paused ones keep. */
  #roomBytes(when: 'now' | 'ahead'): number {
    const { fetchBytesMax } = this.#parts.client.options;
    if (when === 'now') return fetchBytesMax;
    const kept = this.#assigned.reduce((sum, { batches }) => sum + (batches?.bytesKept ?? 0), 0);
    return kept === 0 ? 0 : fetchBytesMax - kept;
  }

  async #exchange(
    nodeId: number,
    asked: readonly Asked[],
    { maxWaitMs, maxBytes }: { readonly maxWaitMs: number; readonly maxBytes: number },
  ): Promise<void> {
    const { client, isolation, lane } = this.#parts;
    this.#busy.add(nodeId);
    for (const { each } of asked) each.isAsked = true;
    try {
      const from = asked.map(({ each: { at }, offset, leaderEpoch }) => ({
        topic: client.names.toBroker(at.topic),
        partition: at.partition,
        leaderEpoch,
        offset,
        maxBytes,
      }));
      const request = fetchRequest({ from, maxWaitMs: Math.ceil(maxWaitMs), maxBytes, isolation });
      const timeoutMs = maxWaitMs + client.options.requestMaxMs;
      const answer = await client.send(nodeId, request, { lane, timeoutMs });
      if (answer.error !== 0) throw new BrokerFault(answer.error, 'fetch');
      await this.#keep(asked, answer);
    } catch (error) {
      await this.#failed(error, asked[0]?.each);
    } finally {
      this.#busy.delete(nodeId);
      for (const { each } of asked) each.isAsked = false;
      this.#wake();
    }
  }

  async #keep(asked: readonly Asked[], answer: FetchAnswer): Promise<void> {
    const { client, isolation } = this.#parts;
    let fault: { readonly error: BrokerFault; readonly each: Assigned } | undefined;
    for (const { each, offset, seeks } of asked) {
      const { topic, partition } = each.at;
      const broker = client.names.toBroker(topic);
      const found = answer.partitions.find((one) => one.topic === broker && one.partition === partition);
      if (!found || each.seeks !== seeks) continue;
      if (found.error !== 0) {
        const error = new BrokerFault(found.error, `fetch ${topic}/${partition}`, each.at);
        if (isFault(error, 'OFFSET_OUT_OF_RANGE')) await this.#outOfRange(each, offset, seeks);
        else fault = { error, each };
        continue;
      }
      client.metrics.fetchedBytes.add(found.batches.length);
      if (found.batches.length > 0) each.batches = new FetchedBatches(each.at, offset, found, isolation, client);
    }
    if (fault) return await this.#failed(fault.error, fault.each);
    this.#faults = 0;
    this.#faultsSinceMs = undefined;
  }

  /** Says it, unless the leader was behind what another had already handed out. */
  async #outOfRange(each: Assigned, offset: number, seeks: number): Promise<void> {
    const [bounds] = await this.#parts.positions.boundsOf([each.at], 'uncommitted');
    const { start, end } = bounds as PartitionBounds;
    if (each.seeks === seeks && (offset < start || offset > end))
      each.fault = positionLost(each.at, offset, start, end);
  }

  /** Waits, and asks who leads now; after operationMaxMs of nothing else, or when nothing helps, the next fetch is told. */
  async #failed(error: unknown, each: Assigned | undefined): Promise<void> {
    const { client } = this.#parts;
    if (this.#closing.signal.aborted || !client.isOpen) return;
    const helps = client.noteFault(error);
    const nowMs = client.clock.monotonicMs();
    this.#faultsSinceMs ??= nowMs;
    if (helps === 'nothing' || nowMs - this.#faultsSinceMs > client.options.operationMaxMs) {
      this.#faultsSinceMs = undefined;
      if (each) each.fault = kafkaError(error, `read ${each.at.topic}/${each.at.partition}`);
      return;
    }
    try {
      await client.backOff(this.#faults++, this.#closing.signal);
      if (helps === 'leaders') await client.refreshQuietly();
    } catch (interrupted) {
      if (!this.#closing.signal.aborted && client.isOpen) throw interrupted;
    }
  }

  /** An answer came, or the time is over. */
  async #untilWoken(signal: AbortSignal | undefined, leftMs: number): Promise<void> {
    const { clock, options } = this.#parts.client;
    // Nothing to wait for: all is paused or at hand. With no time left it waits for the answers of what was asked.
    if (leftMs <= 0 && this.#busy.size === 0) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#watchers.delete(done);
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = clock.after(leftMs <= 0 ? options.fetchWaitMs : leftMs, done);
      this.#watchers.add(done);
      signal?.addEventListener('abort', done);
      if (this.#closing.signal.aborted || signal?.aborted) done();
    });
  }

  #wake(): void {
    this.#wakes++;
    for (const done of [...this.#watchers]) done();
  }

  #of(at: TopicPartition): Assigned {
    return must(
      this.#assigned.find((each) => each.at.topic === at.topic && each.at.partition === at.partition),
      `the reader was opened on ${at.topic}/${at.partition}`,
    );
  }

  #mustBeOpen(): void {
    if (this.#closing.signal.aborted) throw closed('reader');
    if (!this.#parts.client.isOpen) throw closed('reader');
  }
}
