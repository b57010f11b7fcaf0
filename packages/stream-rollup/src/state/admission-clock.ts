import { ByteReader, ByteWriter } from '@tidemark/base';
import type { StateStore, StoreBuilder } from './store.ts';

// The clock by which windows close: the greatest admission clock of any batch so far, and right again after it was wrong.
//
//   admitted   10:00  10:01  +1 day  +1 day | 10:03  10:03  ...  10:04 | 10:04
//   clock      10:00  10:01  +1 day  +1 day | +1 day +1 day      10:04 | 10:04
//                            ran ahead        set right: batches lie behind for settleMs, then the clock follows them
//
// One gateway that lags behind the others turns nothing back: any batch that keeps up says that the clock is right. It all
// depends on the batches alone, so a replay decides alike. The whole state is in the token.

export interface AdmissionClockRules {
  /** Batches further behind than this do not keep up. More than honest gateways differ by. */
  readonly behindMs: number;
  /** For so long, by their own clock, all batches have to lie behind. */
  readonly settleMs: number;
}

export function admissionClockStore(name: string, rules: AdmissionClockRules): StoreBuilder {
  return { name, build: () => new AdmissionClock(name, rules) };
}

export class AdmissionClock implements StateStore {
  readonly name: string;
  readonly #rules: AdmissionClockRules;
  #nowMs = Number.NEGATIVE_INFINITY;
  /** The clock of the first batch of those that lie behind; Infinity while batches keep up. */
  #behindSinceMs = Number.POSITIVE_INFINITY;
  /** False when the task's checkpoint knew of no such clock. */
  wasRestored = false;

  constructor(name: string, rules: AdmissionClockRules) {
    this.name = name;
    this.#rules = rules;
  }

  /** -Infinity before the first batch. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Takes the clock of a batch. Returns what the clock was when it was turned back; undefined otherwise. */
  take(admittedMs: number): number | undefined {
    if (admittedMs >= this.#nowMs - this.#rules.behindMs) {
      this.#behindSinceMs = Number.POSITIVE_INFINITY;
      this.#nowMs = Math.max(this.#nowMs, admittedMs);
      return undefined;
    }
    this.#behindSinceMs = Math.min(this.#behindSinceMs, admittedMs);
    if (admittedMs < this.#behindSinceMs + this.#rules.settleMs) return undefined;
    const wasMs = this.#nowMs;
    this.#nowMs = admittedMs;
    this.#behindSinceMs = Number.POSITIVE_INFINITY;
    return wasMs;
  }

  /** For state written before there was this clock. */
  adopt(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  async restore(_folder: unknown, token: Uint8Array | undefined): Promise<void> {
    this.wasRestored = token !== undefined;
    const reader = token && new ByteReader(token);
    this.#nowMs = reader ? reader.f64() : Number.NEGATIVE_INFINITY;
    this.#behindSinceMs = reader ? reader.f64() : Number.POSITIVE_INFINITY;
  }

  async checkpoint(): Promise<Uint8Array> {
    const writer = new ByteWriter(16);
    writer.f64(this.#nowMs);
    writer.f64(this.#behindSinceMs);
    return writer.finish();
  }

  async settled(): Promise<void> {
    // Nothing is on disk but the token.
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}
