import { TidemarkError } from '@tidemark/base';
import { encodeSampleRecord, type SampleFields } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { SamplesFreshness } from '../src/index.ts';
import { OURS, RepartitionWorld, SAMPLES, T0 } from './repartition-world.ts';

const up = (value: number, more: Partial<SampleFields> = {}): SampleFields => ({
  name: 'up',
  labels: [{ name: 'job', value: 'a' }],
  timestamp: T0 + value,
  value,
  ...more,
});
const framed = (id: number, ...body: number[]) => {
  const value = Buffer.alloc(5 + body.length);
  value.writeUInt32BE(id, 1);
  Buffer.from(body).copy(value, 5);
  return new Uint8Array(value);
};
const minutes = (count: number) => count * 60_000;

async function run(play: (world: RepartitionWorld) => Promise<void>, more = {}): Promise<void> {
  const world = await RepartitionWorld.start(more);
  try {
    await play(world);
  } finally {
    await world.close();
  }
}

test('samples under any key, of any partition, go to the sink; then the position moves', () =>
  run(async (world) => {
    await world.write(up(1));
    await world.write(up(2), { partition: 1 });
    await world.until(() => world.caughtUp());
    expect(world.sink.taken.toSorted()).toEqual(['default up{job="a"} 1 @ 1', 'default up{job="a"} 2 @ 2']);
    expect(world.metric('samples_total')).toBe(2);
  }));

test('a stale marker keeps its bits, an exemplar and a start time come along', () =>
  run(async (world) => {
    const value = Buffer.from(encodeSampleRecord(up(1), OURS));
    value.write('020000000000f07f', value.indexOf(Buffer.from('000000000000f03f', 'hex')), 'hex');
    await world.write(new Uint8Array(value));
    const labels = [{ name: 'trace_id', value: 'x' }];
    const more = { startTime: T0 - 5, exemplar: { labels, value: 3, timestamp: null }, unit: 'seconds' };
    await world.write(up(2, { ...more, type: 'counter', name: 'c' }));
    await world.until(() => world.caughtUp());
    expect(world.sink.words.slice(0, 2)).toEqual([2, 0x7ff00000]);
    const last = world.sink.batches.at(-1);
    expect(last?.series).toMatchObject({ units: expect.arrayContaining(['seconds']) });
    expect([...(last?.series.startTimesMs ?? [])].at(-1)).toBe(T0 - 5);
    expect(last?.exemplars).toMatchObject({ values: Float64Array.of(3), timestampsMs: Float64Array.of(T0 + 2) });
  }));

test('a histogram becomes its series', () =>
  run(async (world) => {
    const buckets = [
      { upperBound: 0.5, count: 2 },
      { upperBound: 1, count: 3 },
    ];
    await world.write({ name: 'h', timestamp: T0, histogram: { count: 4, sum: 2.5, buckets } });
    await world.until(() => world.caughtUp());
    expect(world.sink.taken).toEqual([
      'default h_bucket{le="0.5"} 2 @ 0',
      'default h_bucket{le="1.0"} 3 @ 0',
      'default h_bucket{le="+Inf"} 4 @ 0',
      'default h_sum 2.5 @ 0',
      'default h_count 4 @ 0',
    ]);
  }));

describe('whose samples they are', () => {
  const topics = [
    { topic: SAMPLES, tenant: undefined },
    { topic: 'team.metrics', tenant: 'team' },
  ];

  test('by topic; by the header where the topic does not say', () =>
    run(
      async (world) => {
        await world.write(up(1), { headers: { 'X-Scope-OrgID': 'other' } });
        await world.write(up(2), { topic: 'team.metrics', headers: { 'X-Scope-OrgID': 'other' } });
        await world.until(() => world.caughtUp([SAMPLES, 'team.metrics']));
        expect(world.sink.taken.toSorted()).toEqual(['other up{job="a"} 1 @ 1', 'team up{job="a"} 2 @ 2']);
      },
      { topics },
    ));

  test('a header that is no tenant makes a dead letter', () =>
    run(async (world) => {
      await world.write(up(1), { headers: { 'x-scope-orgid': 'no/tenant' } });
      await world.until(() => world.caughtUp());
      expect((await world.deadLetters()).map(({ headers }) => headers['reason'])).toEqual(['tenant_invalid']);
    }));
});

test.each<[string, Partial<SampleFields>]>([
  ['value_missing', { value: null }],
  ['value_and_histogram', { histogram: { count: 0, sum: 0, buckets: [] } }],
  ['histogram_invalid', { value: null, histogram: { count: 1, sum: 0, buckets: [{ upperBound: 1, count: 2 }] } }],
  [
    'histogram_invalid',
    { value: null, histogram: { count: 1, sum: 0, buckets: [] }, labels: [{ name: 'le', value: '1' }] },
  ],
  ['label_duplicate', { labels: [{ name: '__name__', value: 'down' }] }],
  ['label_name_empty', { labels: [{ name: '', value: 'x' }] }],
  ['timestamp_invalid', { startTime: -(2 ** 52) * 2 + 1, timestamp: 2 ** 52 }],
  ['unit_too_long', { unit: 'x'.repeat(1000) }],
])('%s is counted and costs only itself', async (reason, wrong) =>
  run(async (world) => {
    await world.write(up(1));
    if (reason === 'timestamp_invalid') {
      // A long that no double holds.
      const value = Buffer.from(encodeSampleRecord(up(5, { labels: [] }), OURS));
      const at = value.indexOf(Buffer.from([0, 0, 0]), 8) + 3;
      await world.write(
        Buffer.concat([value.subarray(0, at), Buffer.from('feffffffffffffffff01', 'hex'), value.subarray(at + 6)]),
      );
    } else await world.write(up(5, wrong));
    await world.write(up(2));
    await world.until(() => world.caughtUp());
    expect(world.sink.taken).toEqual(['default up{job="a"} 1 @ 1', 'default up{job="a"} 2 @ 2']);
    expect(world.metric(`refused_samples_total{reason="${reason}"}`)).toBe(1);
    expect(await world.deadLetters()).toEqual([]);
  }),
);

test('what cannot be read goes to the dead letters, whole, and nothing waits for it', () =>
  run(async (world) => {
    const good = encodeSampleRecord(up(9), OURS);
    world.registry.schemas.set(8, '<html>');
    world.registry.schemas.set(9, JSON.stringify({ type: 'record', name: 'Order', fields: [] }));
    const bad: [string, Uint8Array][] = [
      ['sample_magic', Buffer.from('{"name":"up"}')],
      ['sample_empty', new Uint8Array(0)],
      ['sample_truncated', good.subarray(0, good.length - 3)],
      ['sample_trailing', Uint8Array.from([...good, 1])],
      ['sample_too_large', framed(OURS, 4, 0x75, 0x70, 0x80, 0xc2, 0xd7, 0x2f)],
      ['schema_unknown', framed(404, 1)],
      ['schema_malformed', framed(8, 1)],
      ['schema_incompatible', framed(9, 1)],
    ];
    for (const [, value] of bad) await world.write(value, { headers: { trace: 'kept' } });
    await world.write(up(1));
    await world.until(() => world.caughtUp());
    expect(world.sink.taken).toEqual(['default up{job="a"} 1 @ 1']);
    const letters = await world.deadLetters();
    expect(letters.map(({ headers }) => headers['reason'])).toEqual(bad.map(([reason]) => reason));
    expect(letters.map(({ value }) => Buffer.from(value ?? []))).toEqual(bad.map(([, value]) => Buffer.from(value)));
    expect(letters[2]).toMatchObject({
      key: Buffer.from('any'),
      headers: { topic: SAMPLES, partition: '0', offset: '2', trace: 'kept', time: expect.stringMatching(/^2026-/) },
    });
    expect(world.metric('dead_letters_total{reason="sample_magic"}')).toBe(1);
  }));

describe('a registry', () => {
  const NEW = 99;
  const withNew = async (world: RepartitionWorld) => {
    await world.write(up(1));
    await world.until(() => world.caughtUp());
    return world;
  };

  test('that is away holds the partitions that need it, and no other; known schemas go on', () =>
    run(async (world) => {
      await withNew(world);
      world.registry.mood = 'away';
      await world.write(up(2), { schemaId: NEW });
      await world.write(up(3));
      await world.write(up(4), { partition: 1 });
      await world.pass(minutes(10));
      expect(world.sink.taken).toEqual(['default up{job="a"} 1 @ 1', 'default up{job="a"} 4 @ 4']);
      expect([await world.position(0), await world.position(1)]).toEqual([1, 1]);
      expect([world.metric('held_partitions'), world.metric(`lag_records{topic="${SAMPLES}",partition="0"}`)]).toEqual([
        1, 2,
      ]);
      // Said now and then; asked with growing pauses.
      expect(world.said.filter((line) => /registry does not answer/.test(line)).length).toBeLessThan(12);
      expect(world.registry.asked.length).toBeLessThan(60);

      world.registry.schemas.set(NEW, world.registry.schemas.get(OURS) as string);
      world.registry.mood = 'well';
      await world.until(() => world.caughtUp());
      expect(world.sink.taken.slice(2)).toEqual(['default up{job="a"} 2 @ 2', 'default up{job="a"} 3 @ 3']);
      expect(await world.deadLetters()).toEqual([]);
    }));

  test('that stays away: after a while its records go to the dead letters as they are, until it is back', () =>
    run(
      async (world) => {
        await withNew(world);
        world.registry.mood = 'silent';
        const lost = encodeSampleRecord(up(2), NEW);
        await world.write(lost);
        await world.write(up(3));
        await world.pass(minutes(4));
        expect(await world.position()).toBe(1);
        await world.pass(minutes(2));
        expect(world.sink.taken.at(-1)).toBe('default up{job="a"} 3 @ 3');
        // The next one of the same schema does not hold everyone up again.
        await world.write(encodeSampleRecord(up(4), NEW));
        await world.pass(2000);
        expect(await world.caughtUp()).toBe(true);
        const letters = await world.deadLetters();
        expect(letters.map(({ headers }) => headers['reason'])).toEqual([
          'registry_unreachable',
          'registry_unreachable',
        ]);
        expect(Buffer.from(letters[0]?.value ?? [])).toEqual(Buffer.from(lost));

        world.registry.schemas.set(NEW, world.registry.schemas.get(OURS) as string);
        world.registry.mood = 'well';
        await world.pass(minutes(1));
        await world.write(encodeSampleRecord(up(5), NEW));
        await world.pass(minutes(1));
        await world.write(encodeSampleRecord(up(6), NEW));
        await world.until(() => world.sink.taken.includes('default up{job="a"} 6 @ 6'));
      },
      { patience: { patienceMs: minutes(5) } },
    ));

  test('that is slow is waited for', () =>
    run(async (world) => {
      world.registry.delayMs = 4000;
      await world.write(up(1));
      await world.until(() => world.caughtUp());
      expect(world.sink.taken).toEqual(['default up{job="a"} 1 @ 1']);
    }));

  test('that gives another schema for an id it gave before is not believed', () =>
    run(async (world) => {
      await withNew(world);
      world.registry.schemas.set(OURS, JSON.stringify('string'));
      await world.pass(minutes(60));
      await world.write(up(2));
      await world.until(() => world.caughtUp());
      expect(world.sink.taken.at(-1)).toBe('default up{job="a"} 2 @ 2');
      expect(world.registry.asked).toEqual([OURS]);
    }));

  test('that says there is no such id is asked again later', () =>
    run(async (world) => {
      await world.write(up(1), { schemaId: NEW });
      await world.until(() => world.caughtUp());
      world.registry.schemas.set(NEW, world.registry.schemas.get(OURS) as string);
      await world.pass(minutes(1));
      await world.write(up(2), { schemaId: NEW });
      await world.pass(1000);
      await world.write(up(3), { schemaId: NEW });
      await world.until(() => world.caughtUp());
      expect(world.sink.taken.at(-1)).toBe('default up{job="a"} 3 @ 3');
    }));

  test('ids made up do not push out schemas in use', () =>
    run(
      async (world) => {
        await withNew(world);
        for (let id = 1000; id < 1030; id++) await world.write(framed(id, 1));
        await world.until(() => world.caughtUp());
        world.registry.mood = 'away';
        await world.write(up(2));
        await world.pass(5000);
        expect(world.sink.taken.at(-1)).toBe('default up{job="a"} 2 @ 2');
      },
      { patience: { schemasMax: 8 } },
    ));
});

describe('the sink', () => {
  const away = (code: string, retryAfterMs = 1000) => new TidemarkError(code, 'not now', { retryAfterMs });

  test('that is overloaded or away is offered the same again; the position waits', () =>
    run(async (world) => {
      for (let i = 0; i < 5; i++) world.sink.failures.push(away('INGEST_OVERLOADED'), away('INGEST_UNAVAILABLE'));
      await world.write(up(1));
      await world.pass(5000);
      expect([world.sink.taken, await world.position()]).toEqual([[], 0]);
      await world.until(() => world.caughtUp());
      expect(world.sink.taken).toEqual(['default up{job="a"} 1 @ 1']);
    }));

  test('that takes no more tenants: counted, and on', () =>
    run(async (world) => {
      world.sink.failures.push(new TidemarkError('INGEST_TENANT_LIMIT', 'one too many'));
      await world.write(up(1));
      await world.until(() => world.caughtUp());
      await world.write(up(2));
      await world.until(() => world.caughtUp());
      expect(world.sink.taken).toEqual(['default up{job="a"} 2 @ 2']);
      expect(world.metric('refused_samples_total{reason="tenant_limit"}')).toBe(1);
    }));

  test('that breaks: the stage begins again where it was', () =>
    run(async (world) => {
      world.sink.failures.push(new Error('a mistake of ours'));
      await world.write(up(1));
      await world.until(() => world.caughtUp());
      expect(world.sink.taken).toEqual(['default up{job="a"} 1 @ 1']);
      expect(world.metric('restarts_total')).toBe(1);
      expect(world.said.join()).toMatch(/failed and begins again/);
    }));
});

test('more than a batch takes is taken in several', () =>
  run(
    async (world) => {
      for (let i = 0; i < 10; i++) await world.write(up(i));
      await world.until(() => world.caughtUp());
      expect(world.sink.taken).toHaveLength(10);
      expect(world.sink.batches.every(({ values }) => values.length <= 3)).toBe(true);
    },
    { options: { batchSamplesMax: 3 } },
  ));

test('a strong read waits until samples are handed on', () =>
  run(async (world) => {
    const freshness = new SamplesFreshness({ log: world.log, clock: world.clock, topics: [SAMPLES] });
    expect(await freshness.caughtUp(0)).toBe(true);
    world.sink.failures.push(...Array.from({ length: 8 }, () => new TidemarkError('INGEST_UNAVAILABLE', 'away')));
    await world.write(up(1));
    const early = freshness.caughtUp(1000);
    const late = freshness.caughtUp(60_000);
    await world.until(() => world.caughtUp());
    await world.pass(100);
    expect([await early, await late]).toEqual([false, true]);
  }));
