import { seededRandom } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { type SentSeries, sendRemoteWrite, startTidemark, type Tidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { ask, type RowSeries, samples, until } from './http.ts';
import { rowsOf } from './row-oracle.ts';

// Kills the process with SIGKILL at random moments while a writer sends a sequence it knows. Afterwards every acknowledged
// sample is there once with its value, and every 1-minute row is what the plain computation says.
//
//   writer   |batch 0|batch 1|bat##|        |batch 2 again|batch 3| ...        a batch without a 204 is sent again
//   server   =====================X kill -9  ======restart=======X
//
// The server's wall clock runs ten times as fast, from an origin that survives the restarts, so that windows close.

const SERIES = 40;
const STEP_MS = 1500;
const RATE = 10;

test('twenty kills: nothing acknowledged is lost, doubled or wrong, and every row is right', { timeout: 600_000 }, () =>
  withSeed('crash', async (random) => {
    const originMs = Math.floor(Date.now() / 1000) * 1000;
    const now = () => originMs + (Date.now() - originMs) * RATE;
    await using server = await startTidemark({
      env: {
        TIDEMARK_COLLECTOR_HOST: 'false',
        TIDEMARK_TESTING_CLOCK_RATE: String(RATE),
        TIDEMARK_TESTING_CLOCK_ORIGIN: String(originMs),
        TIDEMARK_STORE_CHECKPOINT_INTERVAL: '20s',
      },
    });
    const writer = new Writer(originMs, random.below(2 ** 31));
    const kills = rounds(20);
    for (let kill = 0; kill < kills; kill++) {
      const killed = killAfter(server, 200 + random.below(1800));
      await writer.sendUntilRefused(server.url, now);
      await killed;
      await server.restart();
    }
    await writer.sendFor(server.url, now, 10);
    expect(writer.batches).toBeGreaterThan(kills * 3);
    await expectSamples(server.url, writer, now());
    await expectRows(server.url, writer);
  }),
);

async function killAfter(server: Tidemark, ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await server.kill9();
}

/** Knows every sample it sends: value is a function of series and number; counters fall now and then. */
class Writer {
  readonly sent: { timestampMs: number; value: number }[][] = Array.from({ length: SERIES }, () => []);
  readonly #random;
  #pending: SentSeries[] | undefined;
  #nextMs: number;
  batches = 0;

  constructor(originMs: number, seed: number) {
    this.#random = seededRandom(seed);
    this.#nextMs = originMs - 60_000;
  }

  async sendUntilRefused(url: string, now: () => number): Promise<void> {
    try {
      for (;;) await this.#send(url, now);
    } catch (error) {
      // The process died under the request. Its batch stays pending: it is sent again and may be there already.
      expect(String(error)).toMatch(/fetch failed|terminated|other side closed/);
    }
  }

  async sendFor(url: string, now: () => number, batches: number): Promise<void> {
    for (let i = 0; i < batches; i++) await this.#send(url, now);
  }

  async #send(url: string, now: () => number): Promise<void> {
    // Never ahead of the clock: the future is refused.
    while (this.#pending === undefined && this.#nextMs > now()) await new Promise((resolve) => setTimeout(resolve, 5));
    this.#pending ??= this.#make(now());
    const { status, text } = await sendRemoteWrite(url, this.#pending);
    if (status === 503 || status === 429) return;
    expect(status, text).toBe(204);
    for (const [i, series] of this.#pending.entries()) this.sent[i]?.push(...series.samples);
    this.#pending = undefined;
    this.batches++;
  }

  /** All times between the last batch and now, for some of the series; quarters, so that sums are exact. */
  #make(nowMs: number): SentSeries[] {
    const times: number[] = [];
    if (this.#nextMs < nowMs - 240_000) this.#nextMs = nowMs - 60_000; // stay within the grace of the rows
    for (; this.#nextMs <= nowMs; this.#nextMs += STEP_MS) times.push(this.#nextMs);
    return this.sent.map((_, i) => ({
      labels: { __name__: `crash_${i % 7}_total`, series: String(i), instance: 'writer' },
      samples: times.map((timestampMs) => ({ timestampMs, value: this.#random.below(4_000_000) / 4 })),
    }));
  }
}

async function expectSamples(url: string, writer: Writer, nowMs: number): Promise<void> {
  const found = (await samples(url, '{instance="writer"}', '2d', nowMs + 600_000)) as Awaited<
    ReturnType<typeof samples>
  >;
  expect(found).toHaveLength(SERIES);
  for (const { metric, values } of found) {
    const sent = writer.sent[Number(metric['series'])] ?? [];
    expect(values.map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)])).toEqual(
      sent.map(({ timestampMs, value }) => [timestampMs, value]),
    );
  }
}

async function expectRows(url: string, writer: Writer): Promise<void> {
  const wanted = new Map(writer.sent.map((sent, i) => [String(i), rowsOf(sent)]));
  const lastEnd = Math.max(...[...wanted.values()].flat().map((row) => row.end));
  const read = () => ask<readonly RowSeries[]>(url, 'rows', { 'match[]': '{instance="writer"}', resolution: '1m' });
  // The last window closes some seconds after its end, and late points re-emit rows a few seconds later.
  const found = await until('the rows of the last window equal the oracle', 60_000, async () => {
    const series = await read();
    const complete = series.length === SERIES && series.every(({ rows }) => rows.at(-1)?.end === lastEnd);
    return complete && differences(series, wanted) === 0 ? series : undefined;
  }).catch(read);
  expect(found).toHaveLength(SERIES);
  for (const { metric, rows } of found) {
    const ends = rows.map((row) => row.end);
    expect(ends, `windows of series ${metric['series']}`).toEqual(
      wanted.get(metric['series'] as string)?.map((row) => row.end),
    );
    expect(rows.map(({ revision: _, compensation, ...row }) => ({ ...numbers(row), compensation }))).toEqual(
      (wanted.get(metric['series'] as string) ?? []).map((row) => ({ ...row, compensation: '0' })),
    );
  }
}

function differences(series: readonly RowSeries[], wanted: ReadonlyMap<string, readonly object[]>): number {
  return series.filter(({ metric, rows }) => {
    const plain = rows.map(({ revision: _r, compensation: _c, ...row }) => numbers(row));
    const inOrder = (row: object) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
    return JSON.stringify(plain.map(inOrder)) !== JSON.stringify(wanted.get(metric['series'] as string)?.map(inOrder));
  }).length;
}

function numbers(row: Readonly<Record<string, string | number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
}
