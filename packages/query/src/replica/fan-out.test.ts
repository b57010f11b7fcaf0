import { SelfMetrics, SimClock, silentLogger, TidemarkError } from '@tidemark/base';
import {
  type Labels,
  labelsOf,
  matcher,
  type ReadKind,
  type ReadPart,
  type SelectedSeries,
  type WireRequest,
} from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { FanOut } from './fan-out.ts';
import { partitionsOf, remoteReads } from './remote-reads.ts';
import type { StoreClient } from './store-client.ts';
import { StoreWatch } from './store-watch.ts';

// Stores that misbehave to order. Partition p holds one series, {p="p"}, in every store that owns it.

type Behaviour = 'well' | 'refused' | 'cut' | 'stuck' | 'too many' | 'fault' | 'behind' | 'not owner' | 'parts missing';

class FakeStore implements StoreClient {
  readonly address: string;
  readonly zone: string;
  readonly owned: readonly number[];
  behaviour: Behaviour = 'well';
  isUp = true;
  readonly asked: (readonly number[])[] = [];
  /** Questions that were let go before they were answered. */
  letGo = 0;

  constructor(address: string, zone: string, owned: readonly number[]) {
    this.address = address;
    this.zone = zone;
    this.owned = owned;
  }

  positions(partitions: readonly number[]) {
    const offset = this.behaviour === 'behind' ? 5 : 10;
    return partitions.map((partition) => ({ topic: 'raw', partition, offset, end: 10 }));
  }

  async state() {
    if (!this.isUp) throw new TidemarkError('STORE_AWAY', `the store ${this.address} cannot be asked: ECONNREFUSED`);
    return { zone: this.zone, partitions: 4, owned: this.owned, positions: this.positions(this.owned) };
  }

  async *ask(kind: ReadKind, { partitions = [] }: WireRequest, signal: AbortSignal): AsyncIterable<ReadPart> {
    this.asked.push(partitions);
    await Promise.resolve();
    const { behaviour } = this;
    if (behaviour === 'refused') {
      throw new TidemarkError('STORE_AWAY', `the store ${this.address} cannot be asked: ECONNREFUSED`);
    }
    const answered = behaviour === 'not owner' ? [] : partitions;
    yield { kind: 'head', head: { partitions: 4, answered, positions: this.positions(partitions) } };
    if (behaviour === 'too many') {
      yield { kind: 'error', error: new TidemarkError('SELECT_TOO_MANY_SAMPLES', 'more than 5 samples') };
      return;
    }
    if (behaviour === 'fault') {
      yield { kind: 'error', error: new TidemarkError('STORAGE_IO', 'its disk is broken') };
      return;
    }
    const parts = kind === 'select' ? partitions.map((p) => ({ kind: 'samples' as const, series: [seriesOf(p)] })) : [];
    yield* parts;
    if (behaviour === 'cut') return;
    if (behaviour === 'stuck') {
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          this.letGo++;
          reject(signal.reason);
        });
      });
    }
    const count = behaviour === 'parts missing' ? parts.length + 1 : parts.length;
    yield { kind: 'end', end: { warnings: [`by ${this.address}`], parts: count } };
  }

  close(): void {
    this.isUp = false;
  }
}

function seriesOf(partition: number): SelectedSeries {
  const labels = labelsOf({ p: String(partition) });
  return { labels, timestampsMs: Float64Array.of(1, 2), values: Float64Array.of(partition, partition) };
}

async function world(stores: readonly FakeStore[]) {
  const clock = new SimClock(0);
  const metrics = new SelfMetrics();
  const watch = new StoreWatch({ clients: stores, clock, logger: silentLogger, metrics });
  watch.start();
  await watch.looked;
  const fanOut = new FanOut({ watch, clock, metrics, zone: 'a', hedgeAfterMs: 1000 });
  const { source, freshness } = remoteReads(fanOut, () => watch.partitions);
  const select = (more: object = {}) =>
    source.select({
      tenant: 't',
      matchers: [matcher('=~', 'p', '.+')],
      range: { startMs: 0, endMs: 10 },
      limits: { seriesMax: 100, samplesMax: 100 },
      signal: new AbortController().signal,
      ...more,
    });
  return { clock, watch, select, source, freshness, metrics };
}

const partitionsIn = (series: readonly { readonly labels: Labels }[]) =>
  series.map(({ labels }) => labels[0]?.value).sort();
const twoZones = () => [
  new FakeStore('a0', 'a', [0, 2]),
  new FakeStore('a1', 'a', [1, 3]),
  new FakeStore('b0', 'b', [0, 1, 2, 3]),
];

test('two stores of a zone answer together; the other zone is left alone', async () => {
  const [a0, a1, b0] = twoZones() as [FakeStore, FakeStore, FakeStore];
  const { select, watch } = await world([a0, a1, b0]);
  const { series, warnings } = await select();
  expect(partitionsIn(series)).toEqual(['0', '1', '2', '3']);
  expect(warnings).toEqual(['by a0', 'by a1']);
  expect([a0.asked, a1.asked, b0.asked]).toEqual([[[0, 2]], [[1, 3]], []]);
  await watch.close();
});

test.each<Behaviour>(['refused', 'cut', 'fault', 'not owner', 'parts missing'])(
  'a store that answers %s: its partitions are asked of the other zone, and what it said counts for nothing',
  async (behaviour) => {
    const [a0, a1, b0] = twoZones() as [FakeStore, FakeStore, FakeStore];
    const { select, watch } = await world([a0, a1, b0]);
    a1.behaviour = behaviour;
    const { series, warnings } = await select();
    expect(partitionsIn(series)).toEqual(['0', '1', '2', '3']);
    expect(warnings).toEqual(['by a0', 'by b0']);
    expect(b0.asked).toEqual([[1, 3]]);
    // Not believed in until it answers again; one that only no longer owns it is.
    expect(watch.views.find(({ address }) => address === 'a1')?.answers).toBe(behaviour === 'not owner');
    await watch.close();
  },
);

describe('when nobody is left', () => {
  test('it is an error that says what and why', async () => {
    const [a0, a1] = twoZones() as [FakeStore, FakeStore];
    const { select, watch } = await world([a0, a1]);
    a1.behaviour = 'refused';
    await expect(select()).rejects.toMatchObject({
      code: 'STORES_UNAVAILABLE',
      message: 'nobody answers for partitions 1, 3: the store a1 cannot be asked: ECONNREFUSED',
    });
    await watch.close();
  });

  test('it is a warning where a partial answer will do', async () => {
    const [a0, a1] = twoZones() as [FakeStore, FakeStore];
    const { select, watch } = await world([a0, a1]);
    a1.behaviour = 'cut';
    const { series, warnings } = await select({ partial: true });
    expect(partitionsIn(series)).toEqual(['0', '2']);
    expect(warnings).toEqual([
      'by a0',
      'the answer is not whole: nobody answers for partitions 1, 3: the answer of the store a1 was cut after 2 parts',
    ]);
    await watch.close();
  });

  test('a store that was never there is named', async () => {
    const [a0, a1] = twoZones() as [FakeStore, FakeStore];
    a1.isUp = false;
    const { select, watch } = await world([a0, a1]);
    await expect(select()).rejects.toThrow(
      'no store that answers has partitions 1, 3: the store a1 cannot be asked: ECONNREFUSED',
    );
    await watch.close();
  });

  test('no store at all', async () => {
    const [a0] = twoZones() as [FakeStore];
    a0.isUp = false;
    const { select, watch } = await world([a0]);
    await expect(select()).rejects.toMatchObject({
      code: 'STORES_UNAVAILABLE',
      message: expect.stringContaining('no store has said yet what it has'),
    });
    await expect(select({ partial: true })).resolves.toMatchObject({ series: [] });
    await watch.close();
  });
});

test('what is wrong with the question is asked of nobody else', async () => {
  const [a0, a1, b0] = twoZones() as [FakeStore, FakeStore, FakeStore];
  const { select, watch } = await world([a0, a1, b0]);
  a1.behaviour = 'too many';
  await expect(select({ partial: true })).rejects.toMatchObject({ code: 'SELECT_TOO_MANY_SAMPLES' });
  expect(b0.asked).toEqual([]);
  await watch.close();
});

test('limits hold for all stores together', async () => {
  const { select, watch } = await world(twoZones());
  const limits = (seriesMax: number, samplesMax: number) => ({ limits: { seriesMax, samplesMax } });
  await expect(select(limits(4, 8))).resolves.toMatchObject({ series: { length: 4 } });
  await expect(select(limits(4, 7))).rejects.toMatchObject({ code: 'SELECT_TOO_MANY_SAMPLES' });
  await expect(select(limits(3, 8))).rejects.toMatchObject({ code: 'SELECT_TOO_MANY_SERIES' });
  await watch.close();
});

test('a store that takes long has company: the first whole answer counts, and the other is let go', async () => {
  const [a0, a1, b0] = twoZones() as [FakeStore, FakeStore, FakeStore];
  const { select, clock, watch, metrics } = await world([a0, a1, b0]);
  a0.behaviour = 'stuck';
  const asked = select({ limits: { seriesMax: 4, samplesMax: 8 } });
  await clock.advance(999);
  expect(b0.asked).toEqual([]);
  await clock.advance(1);
  expect(partitionsIn((await asked).series)).toEqual(['0', '1', '2', '3']);
  expect(b0.asked).toEqual([[0, 2]]);
  expect(a0.letGo).toBe(1);
  expect(metrics.expose()).toMatch(/hedges_total 1\n/);
  await watch.close();
});

test('nobody else has it: one that takes long is waited for, until the asker goes', async () => {
  const [a0, a1] = twoZones() as [FakeStore, FakeStore];
  const { select, clock, watch } = await world([a0, a1]);
  a0.behaviour = 'stuck';
  const asker = new AbortController();
  const asked = select({ signal: asker.signal });
  asked.catch(() => undefined);
  await clock.advance(60_000);
  asker.abort(new Error('gone'));
  await expect(asked).rejects.toThrow('gone');
  expect(a0.letGo).toBe(1);
  // Its fault it was not.
  expect(watch.views.every(({ answers }) => answers)).toBe(true);
  await watch.close();
});

test('a store that is back is asked again', async () => {
  const [a0, a1, b0] = twoZones() as [FakeStore, FakeStore, FakeStore];
  const { select, clock, watch } = await world([a0, a1, b0]);
  a0.behaviour = 'refused';
  a0.isUp = false;
  await select();
  await clock.advance(10_000);
  await select();
  expect(a0.asked).toHaveLength(1);
  a0.behaviour = 'well';
  a0.isUp = true;
  await clock.advance(2000);
  expect((await select()).warnings).toEqual(['by a0', 'by a1']);
  await watch.close();
});

describe('a strong read', () => {
  test('is pinned to the ends that stores said, and a store that is behind them is passed over', async () => {
    const [a0, a1, b0] = twoZones() as [FakeStore, FakeStore, FakeStore];
    const { select, freshness, watch } = await world([a0, a1, b0]);
    const notBefore = await freshness.pinned?.(1000);
    expect(notBefore?.map(({ partition, offset }) => [partition, offset]).sort()).toEqual([
      [0, 10],
      [1, 10],
      [2, 10],
      [3, 10],
    ]);
    a1.behaviour = 'behind';
    expect((await select({ notBefore })).warnings).toEqual(['by a0', 'by b0']);
    expect((await select()).warnings).toEqual(['by a0', 'by a1']);
    b0.behaviour = 'behind';
    await expect(select({ notBefore })).rejects.toThrow(/nobody answers for .*1, 3: the store .. has not read raw/);
    await watch.close();
  });

  test('is not fulfilled where a store does not get there, or is away', async () => {
    const [a0, a1] = twoZones() as [FakeStore, FakeStore];
    const { freshness, watch } = await world([a0, a1]);
    expect(await freshness.caughtUp(1000)).toBe(true);
    a1.behaviour = 'behind';
    expect(await freshness.caughtUp(1000)).toBe(false);
    a1.behaviour = 'refused';
    expect(await freshness.caughtUp(1000)).toBe(false);
    await watch.close();
  });
});

test('stores of different logs are not mixed', async () => {
  const [a0, a1] = twoZones() as [FakeStore, FakeStore];
  const state = a1.state.bind(a1);
  a1.state = async () => ({ ...(await state()), partitions: 8 });
  const { watch } = await world([a0, a1]);
  expect(watch.views.map(({ answers }) => answers).filter(Boolean)).toHaveLength(1);
  expect(watch.whyMissing([1])).toMatch(/says there are . partitions, a. .: they are not of one log/);
  await watch.close();
});

test.each([
  [[matcher('=', '__name__', 'up')], 1],
  [[matcher('=~', '__name__', 'up|down|left|right')], 4],
  [[matcher('=~', '__name__', 'up.*')], undefined],
  [[matcher('!=', '__name__', 'up')], undefined],
  [[matcher('=~', '__name__', 'up|')], undefined],
  [[matcher('=', '__name__', '')], undefined],
  [[matcher('=', 'job', 'up')], undefined],
])('which partitions %j may be in', (matchers, most) => {
  const found = partitionsOf({ tenant: 't', matchers }, 1024);
  expect(found?.length).toBe(most);
});
