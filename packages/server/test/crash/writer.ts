import { seededRandom } from '@tidemark/base';
import { type SentSeries, sendRemoteWrite } from '@tidemark/testkit/real';
import { expect } from 'vitest';
import type { FastTime } from './time.ts';

// Knows every sample it sends. A batch without a 204 is sent again: it may be there already.
//
//   writer   |batch 0|batch 1|bat##|        |batch 2 again|batch 3| ...
//   server   =====================X kill -9  ======restart=======X

export const SERIES = 40;
const STEP_MS = 1500;

export class Writer {
  readonly selector = '{instance="writer"}';
  /** By series: what was acknowledged. */
  readonly sent: { timestampMs: number; value: number }[][] = Array.from({ length: SERIES }, () => []);
  readonly #random;
  readonly #time: FastTime;
  #pending: SentSeries[] | undefined;
  #nextMs: number;
  /** The value of `crash_flag`, which a rule watches. */
  flag = 0;
  batches = 0;

  constructor(time: FastTime, seed: number) {
    this.#time = time;
    this.#random = seededRandom(seed);
    this.#nextMs = time.startMs - 60_000;
  }

  /** Until the process dies under a request. */
  async sendUntilRefused(url: string): Promise<void> {
    try {
      for (;;) await this.send(url);
    } catch (error) {
      expect(String(error)).toMatch(/fetch failed|terminated|other side closed/);
    }
  }

  async send(url: string): Promise<void> {
    // Never ahead of the clock: the future is refused.
    while (this.#pending === undefined && this.#nextMs > this.#time.now())
      await new Promise((resolve) => setTimeout(resolve, 5));
    this.#pending ??= this.#make(this.#time.now());
    const { status, text } = await sendRemoteWrite(url, this.#pending);
    if (status === 503 || status === 429) return;
    expect(status, text).toBe(204);
    for (const [i, series] of this.#pending.slice(0, SERIES).entries()) this.sent[i]?.push(...series.samples);
    this.#pending = undefined;
    this.batches++;
  }

  /** Until the batch that a kill left without an answer has one. */
  async settle(url: string): Promise<void> {
    while (this.#pending) await this.send(url);
  }

  /** All times between the last batch and now, for all series; quarters, so that sums are exact; counters fall now and then. */
  #make(nowMs: number): SentSeries[] {
    const times: number[] = [];
    // Stay within the grace of the rows, which only begins with what was sent first.
    if (this.batches > 0 && this.#nextMs < nowMs - 240_000) this.#nextMs = nowMs - 60_000;
    for (; this.#nextMs <= nowMs; this.#nextMs += STEP_MS) times.push(this.#nextMs);
    const series = this.sent.map((_, i) => ({
      labels: { __name__: `crash_${i % 7}_total`, series: String(i), instance: 'writer' },
      samples: times.map((timestampMs) => ({ timestampMs, value: this.#random.below(4_000_000) / 4 })),
    }));
    const flag = times.map((timestampMs) => ({ timestampMs, value: this.flag }));
    return [...series, { labels: { __name__: 'crash_flag' }, samples: flag }];
  }
}
