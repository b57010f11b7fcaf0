import type { Clock, Random } from '@tidemark/base';
import { storageError } from '../../errors.ts';
import { Away } from './away.ts';
import { awayComplaint, complaint, slowComplaint, type Where } from './complaints.ts';
import type { S3Metrics } from './metrics.ts';
import type { S3Options } from './options.ts';
import { Places } from './places.ts';
import { S3Fault } from './requests.ts';

// Sends a request until it is answered or its deadline is over.
//
//   place ── away? ── request ─┬─ answer ───────────────────────────▶ result
//            told at once      ├─ fault that stays ─────────────────▶ S3Fault, for the caller to judge
//                ▲             └─ fault that passes ── back off ──┐
//                └──────────────── time left ◀────────────────────┤
//                                                    none left ───┴▶ OBJECT_STORE_UNAVAILABLE; the store counts as away

export interface Operation {
  /** Of metrics: put, get, ... */
  readonly operation: string;
  /** The object, for people. */
  readonly name: string;
  /** That it has in memory, or lets come in. */
  readonly bytes: number;
}

export interface RetrierParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly options: S3Options;
  readonly metrics: S3Metrics;
  readonly where: Where;
}

interface UnderWay {
  readonly sinceMs: number;
  /** The one it met last. */
  fault: S3Fault | undefined;
}

export class Retrier {
  readonly #parts: RetrierParts;
  readonly #away: Away;
  readonly #places: Places;
  readonly #closing = new AbortController();
  /** The oldest first. */
  readonly #underWay = new Set<UnderWay>();

  constructor(parts: RetrierParts) {
    this.#parts = parts;
    const { clock, random, options } = parts;
    this.#away = new Away(clock, random, options);
    this.#places = new Places({ requests: options.requestsMax, bytes: options.bytesMax, waiting: options.waitingMax });
  }

  /** Rejects with an `S3Fault` that stays, `OBJECT_STORE_*`, `OBJECT_CORRUPT`. `send` is told how often it was sent, from 1. */
  async run<T>(operation: Operation, send: (signal: AbortSignal, tries: number) => Promise<T>): Promise<T> {
    this.#checkOpen(operation);
    const taking = this.#places.take(operation.bytes);
    if (taking === undefined) throw this.#refuse('queue', operation, 'too many operations wait for it');
    using _place = await taking;
    const underWay: UnderWay = { sinceMs: this.#parts.clock.monotonicMs(), fault: undefined };
    this.#underWay.add(underWay);
    try {
      return await this.#repeat(operation, send, underWay);
    } finally {
      this.#underWay.delete(underWay);
    }
  }

  /** What an operation waits for that is under way for longer than `afterMs`, for people; undefined where none is. */
  slow(afterMs: number): string | undefined {
    const { clock, where } = this.#parts;
    const [oldest] = this.#underWay;
    if (oldest === undefined) return undefined;
    const waitedMs = clock.monotonicMs() - oldest.sinceMs;
    return waitedMs < afterMs ? undefined : slowComplaint(waitedMs, oldest.fault, where);
  }

  async #repeat<T>(
    operation: Operation,
    send: (signal: AbortSignal, tries: number) => Promise<T>,
    underWay: UnderWay,
  ): Promise<T> {
    const { clock, options, metrics, where } = this.#parts;
    const untilMs = clock.monotonicMs() + options.deadlineMs + operation.bytes / options.slowestBytesPerMs;
    for (let tries = 1; ; tries++) {
      this.#checkOpen(operation);
      const entered = this.#away.enter();
      if (typeof entered === 'object') {
        metrics.refused.with('away').add();
        throw awayComplaint(entered.why, entered.awayMs, entered.againMs, operation.name, where);
      }
      try {
        const result = await this.#once(operation, (signal) => send(signal, tries));
        this.#hasAnswered();
        return result;
      } catch (error) {
        if (!(error instanceof S3Fault)) {
          // Closing, or our own mistake: nothing is known of the store.
          if (entered === 'once') this.#away.silent('an attempt was given up');
          throw error;
        }
        if (!error.isRepeated) {
          this.#hasAnswered();
          throw error;
        }
        underWay.fault = error;
        const pauseMs = this.#pauseMs(tries);
        const enough = error.kind === 'damaged' && tries >= options.damagedTriesMax;
        if (entered === 'once' || enough || clock.monotonicMs() + pauseMs >= untilMs) {
          this.#gaveUp(error);
          throw complaint(error, operation.name, tries, where);
        }
        metrics.retries.with(error.kind).add();
        await this.#sleep(pauseMs, operation);
      }
    }
  }

  /** Whoever waits is told that the store is closed; requests under way are let go. */
  close(): void {
    const reason = closed();
    this.#closing.abort(reason);
    this.#places.stopWaiting(reason);
  }

  async #once<T>(operation: Operation, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, options, metrics } = this.#parts;
    const attempt = new AbortController();
    const allowedMs = options.requestTimeoutMs + operation.bytes / options.slowestBytesPerMs;
    const cancel = clock.after(allowedMs, () => attempt.abort(timedOut(allowedMs)));
    const onClose = () => attempt.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener('abort', onClose, { once: true });
    const startMs = clock.monotonicMs();
    let outcome = 'ok';
    try {
      // Whoever does not listen to the signal is left behind.
      return await Promise.race([send(attempt.signal), rejectedBy(attempt.signal)]);
    } catch (error) {
      // Whatever a client makes of being aborted: the reason is what happened.
      const why: unknown = attempt.signal.aborted ? attempt.signal.reason : error;
      outcome = why instanceof S3Fault ? why.kind : 'error';
      throw why;
    } finally {
      cancel();
      this.#closing.signal.removeEventListener('abort', onClose);
      metrics.requests.with(operation.operation, outcome).add();
      metrics.seconds.observe((clock.monotonicMs() - startMs) / 1000);
    }
  }

  #pauseMs(tries: number): number {
    const { options, random } = this.#parts;
    const most = Math.min(options.backoffMaxMs, options.backoffMs * 2 ** Math.min(tries - 1, 30));
    return most * (0.5 + random.next() / 2);
  }

  async #sleep(ms: number, operation: Operation): Promise<void> {
    try {
      await this.#parts.clock.sleep(ms, this.#closing.signal);
    } catch (error) {
      this.#checkOpen(operation);
      throw error;
    }
  }

  #hasAnswered(): void {
    this.#away.answered();
    this.#parts.metrics.away.set(0);
  }

  #gaveUp(fault: S3Fault): void {
    // A single damaged object says nothing of the store.
    if (fault.kind === 'damaged') {
      this.#hasAnswered();
      return;
    }
    this.#away.silent(fault.code);
    this.#parts.metrics.away.set(1);
  }

  #checkOpen(operation: Operation): void {
    if (this.#closing.signal.aborted) throw this.#refuse('closed', operation, 'it is closed');
  }

  #refuse(reason: 'queue' | 'closed', { name }: Operation, why: string): Error {
    this.#parts.metrics.refused.with(reason).add();
    return storageError('OBJECT_STORE_UNAVAILABLE', `S3 is not asked for ${name}: ${why}`, { name, reason });
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

function timedOut(ms: number): S3Fault {
  return new S3Fault('timeout', 'TIMEOUT', `no answer within ${Math.round(ms / 1000)} s`);
}

function closed(): Error {
  return storageError('OBJECT_STORE_UNAVAILABLE', 'the object store is closed');
}
