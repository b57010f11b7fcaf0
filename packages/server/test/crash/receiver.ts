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
}

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
    for (const { status, startsAt } of payload.alerts) this.told.push({ id, status, startsAt });
  }

  /** What is told last of the newest alert. */
  get newest(): Told | undefined {
    return this.told.at(-1);
  }

  /** Every alert was told to fire and then to be over, each by one notice; a notice twice only if a kill caught it. */
  expectOnce(kills: number): void {
    const alerts = Map.groupBy(this.told, ({ startsAt }) => startsAt);
    for (const [startsAt, notices] of alerts) {
      const ids = (status: string) => new Set(notices.filter((one) => one.status === status).map(({ id }) => id));
      expect(ids('firing').size, `notices that the alert of ${startsAt} fires`).toBe(1);
      expect(ids('resolved').size, `notices that the alert of ${startsAt} is over`).toBe(1);
      const lastFiring = notices.findLastIndex(({ status }) => status === 'firing');
      expect(notices.findIndex(({ status }) => status === 'resolved')).toBeGreaterThan(lastFiring);
    }
    const notices = new Set(this.told.map(({ id, status }) => `${id} ${status}`)).size;
    expect(this.told.length - notices, 'notices told twice').toBeLessThanOrEqual(kills);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
