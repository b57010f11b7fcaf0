import { SimClock } from '@tidemark/base';
import { logConformance } from '../conformance/suite.ts';
import type { LimitsUnderTest, LogWorld } from '../conformance/supports.ts';
import { SimLog } from './sim-log.ts';

/** Closing a simulated log loses it: the world keeps a copy from just before. */
class SimWorld implements LogWorld {
  readonly #clock = new SimClock(1_700_000_000_000);
  #log: SimLog | undefined;

  async open(limits: LimitsUnderTest = {}): Promise<SimLog> {
    const options = { clock: this.#clock, positionsSyncMs: 1000, ...limits };
    this.#log = this.#log ? this.#log.reopen(options) : new SimLog(options);
    return this.#log;
  }

  async crash(): Promise<void> {
    this.#log = this.#log?.crash();
  }

  async retain(): Promise<void> {
    this.#log?.retain();
  }

  advance(ms: number): Promise<void> {
    return this.#clock.advance(ms);
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  silence(memberId: string): void {
    this.#log?.silence(memberId);
  }

  async end(): Promise<void> {
    await this.#log?.close();
  }
}

logConformance(
  'sim',
  { identity: true, crash: true, compaction: true, sessions: true, releases: true, countsGroups: true },
  async () => new SimWorld(),
);
