import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';

// Whoever is told. Every notice is kept, with the id that all attempts at it share.
//
//   flag     0   1───────────────0──────────────1─────
//   notices       firing, told     resolved, told      firing ...        the flag moves only when the last move was told

export interface Told {
  readonly id: string;
  readonly status: 'firing' | 'resolved';
  readonly startsAt: string;
  /** ms of `performance.now()`. */
  readonly atMs: number;
}

/** A time of ours in which nobody could hear of an alert, ms of `performance.now()`. */
export interface Silence {
  readonly fromMs: number;
  readonly toMs: number;
}

// After a silence it takes a moment until news is there again.
const HEARD_AGAIN_MS = 15_000;

export class Receiver implements AsyncDisposable {
  readonly #server = createServer();
  readonly told: Told[] = [];

  async start(): Promise<this> {
    this.#server.on('request', (request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      // Kept once it is whole: a process that dies while it sends has told nobody.
      request.on('end', () => {
        this.#keep(String(request.headers['x-tidemark-notice-id']), text);
        response.end();
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  #keep(id: string, text: string): void {
    const payload = JSON.parse(text) as { alerts: { status: 'firing' | 'resolved'; startsAt: string }[] };
    for (const { status, startsAt } of payload.alerts)
      this.told.push({ id, status, startsAt, atMs: performance.now() });
  }

  /** What is told last of the newest alert. */
  get newest(): Told | undefined {
    return this.told.at(-1);
  }

  /**
   * Every alert was told to fire and then to be over, each by one notice; a notice twice only if a kill caught it. One that nobody
   * heard of for long counts as over, and fires again when it is heard of: once for each of `silences` in its life.
   */
  expectOnce(kills: number, silences: readonly Silence[] = []): void {
    for (const [startsAt, notices] of Map.groupBy(this.told, ({ startsAt }) => startsAt)) {
      const turns = notices.filter(({ id }, i) => id !== notices[i - 1]?.id).map(({ status }) => status);
      const [first, last] = [notices[0]?.atMs ?? 0, notices.at(-1)?.atMs ?? 0];
      const during = silences.filter(({ fromMs, toMs }) => first <= toMs + HEARD_AGAIN_MS && last >= fromMs);
      const times = Math.min(1 + during.length, Math.max(1, Math.floor(turns.length / 2)));
      const wanted = Array.from({ length: times }, () => ['firing', 'resolved']).flat();
      expect(turns, `notices of the alert of ${startsAt}`).toEqual(wanted);
    }
    const notices = new Set(this.told.map(({ id, status }) => `${id} ${status}`)).size;
    expect(this.told.length - notices, 'notices told twice').toBeLessThanOrEqual(kills);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
