import { lineLogger, SelfMetrics, SimClock, seededRandom, silentLogger, TidemarkError } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { SimLog } from '@tidemark/log/sim';
import { BatchBuilder, encodeSampleBatch } from '@tidemark/model';
import { openStorageEngine } from '@tidemark/storage-engine';
import { MemoryLevelStores, SimObjectStore } from '@tidemark/storage-engine/sim';
import { expect, test } from 'vitest';
import { Storer, type StorerOptions } from './storer.ts';

const START_MS = 1_700_000_000_000;

async function world() {
  const clock = new SimClock(START_MS);
  const engine = await openStorageEngine({
    disk: new SimDisk(),
    levelStores: new MemoryLevelStores(),
    objectStore: new SimObjectStore(seededRandom(1)),
    clock,
    installationKey: new Uint8Array(32).fill(7),
  });
  const storerOn = (log: SimLog, options: Partial<StorerOptions> = {}) =>
    new Storer({
      log,
      engine,
      clock,
      logger: silentLogger,
      metrics: new SelfMetrics(),
      sampleTopics: ['raw'],
      rowTopics: ['1m'],
      partitions: [0],
      group: 'storer',
      passing: new Set(['LOG_IO']),
      onFailure: (what, error) => expect.unreachable(`${what}: ${error}`),
      ...options,
    });
  const newLog = async () => {
    const log = new SimLog({ clock });
    const topic = { partitions: 1, compacted: false, retentionMs: 3_600_000 };
    await log.ensureTopics([
      { name: 'raw', ...topic },
      { name: 'raw-critical', ...topic },
      { name: '1m', ...topic },
    ]);
    return log;
  };
  return { clock, engine, storerOn, newLog };
}

function record(value: number, topic = 'raw') {
  const batch = new BatchBuilder('default');
  batch.addLabels([{ name: '__name__', value: 'up' }], START_MS + value, value);
  return { topic, partition: 0, key: null, value: encodeSampleBatch(batch.build(START_MS)) };
}

test('a log that ends before what is stored is another log: refused, or its first records would be taken for repeats', async () => {
  const { engine, storerOn, newLog } = await world();
  const first = await newLog();
  await first.append([record(1), record(2), record(3)]);
  const storer = storerOn(first);
  await storer.start();
  expect(await storer.caughtUp(10_000)).toBe(true);
  await storer.close();
  expect(engine.position({ topic: 'raw', partition: 0 })).toBe(3);

  await expect(storerOn(await newLog()).start()).rejects.toMatchObject({
    code: 'STORE_AHEAD_OF_LOG',
    message: expect.stringMatching(/raw\/0.* 3.* 0/),
    details: { topic: 'raw', partition: 0, position: 3, end: 0 },
  });
});

test('a seal with nothing to seal writes no checkpoint; five minutes do', async () => {
  const { clock, storerOn, newLog } = await world();
  const log = await newLog();
  await log.append([record(1), record(2)]);
  const storer = storerOn(log);
  await storer.start();
  expect(await storer.caughtUp(10_000)).toBe(true);
  const stored = async () => (await log.committed('storer', [{ topic: 'raw', partition: 0 }]))[0]?.offset;
  for (let i = 0; i < 4; i++) await clock.advance(60_000);
  expect(await stored()).toBeUndefined();
  await clock.advance(60_000);
  await clock.advance(1000);
  expect(await stored()).toBe(2);
  await storer.close();
});

test('with a backlog on both, records of the first topic are taken first, and one turn in nine goes to the others', async () => {
  const { engine, storerOn, newLog } = await world();
  const metrics = new SelfMetrics();
  const log = await newLog();
  const applied: string[] = [];
  const apply = engine.applySamples.bind(engine);
  engine.applySamples = (one) => {
    applied.push(one.topic);
    return apply(one);
  };
  await log.append(Array.from({ length: 12 }, (_, i) => record(i)));
  await log.append(Array.from({ length: 20 }, (_, i) => record(i, 'raw-critical')));
  // Each record a fetch of its own.
  const topics = { fetchBytesMax: 1, sampleTopics: ['raw', 'raw-critical'], firstTopics: ['raw-critical'] };
  const storer = storerOn(log, { ...topics, metrics });
  await storer.start();
  expect(await storer.caughtUp(60_000)).toBe(true);
  const turns = applied.join(' ').replaceAll('raw-critical', 'c').replaceAll('raw', 'r').replaceAll(' ', '');
  expect(turns).toMatch(/^c{7,10}rc{7,10}rc*r{10}$/);
  expect(metrics.expose()).toContain('tidemark_storer_lag_records{topic="raw-critical"} 0');
  await storer.close();
  expect(engine.position({ topic: 'raw-critical', partition: 0 })).toBe(20);
});

test('a log that is away for a while is waited for', async () => {
  const { clock, engine, storerOn, newLog } = await world();
  const log = await newLog();
  let failures = 3;
  const openReader = log.openReader.bind(log);
  log.openReader = async (options) => {
    const reader = await openReader(options);
    const fetch = reader.fetch.bind(reader);
    reader.fetch = async (asked) => {
      if (failures-- > 0) throw new TidemarkError('LOG_IO', 'no broker answers', {});
      return await fetch(asked);
    };
    return reader;
  };
  const storer = storerOn(log);
  await storer.start();
  await log.append([record(1)]);
  for (let i = 0; i < 5; i++) await clock.advance(1000);
  expect(failures).toBeLessThan(0);
  expect(await storer.caughtUp(10_000)).toBe(true);
  await storer.close();
  expect(engine.position({ topic: 'raw', partition: 0 })).toBe(1);
});

test('a topic that may not be read while others are is told once a minute, and as readable again when it is', async () => {
  const { clock, storerOn, newLog } = await world();
  const log = await newLog();
  let isDenied = true;
  const openReader = log.openReader.bind(log);
  log.openReader = async (options) => {
    const reader = await openReader(options);
    if (!options.from.some(({ topic }) => topic === 'raw')) return reader;
    const fetch = reader.fetch.bind(reader);
    let turns = 0;
    // What others have comes in between, and so does nothing.
    reader.fetch = async (asked) => {
      if (isDenied && turns++ % 3 === 0) throw new TidemarkError('LOG_DENIED', 'deny Read on topic raw', {});
      return await fetch(asked);
    };
    return reader;
  };
  const lines: string[] = [];
  const logger = lineLogger({ write: (line) => lines.push(line), nowMs: () => clock.nowMs() });
  const topics = { sampleTopics: ['raw', 'raw-critical'], firstTopics: ['raw-critical'] };
  const storer = storerOn(log, { ...topics, logger, passing: new Set(['LOG_DENIED']) });
  await storer.start();
  const said = () => lines.splice(0).flatMap((line) => /can(not)? read the log/.exec(line)?.[0] ?? []);
  for (let second = 0; second < 150; second++) {
    if (second % 10 === 0) await log.append([record(second, 'raw-critical'), record(second)]);
    await clock.advance(1000);
  }
  expect(said()).toEqual(['cannot read the log', 'cannot read the log', 'cannot read the log']);
  isDenied = false;
  for (let second = 0; second < 90; second++) await clock.advance(1000);
  expect(said()).toEqual(['can read the log']);
  await storer.close();
});
