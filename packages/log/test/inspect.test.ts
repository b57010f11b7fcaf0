import { SimDisk } from '@tidemark/base/sim';
import { expect, test } from 'vitest';
import { ALERTS, RAW, raw, rawAt, textOf } from '../src/conformance/traits.ts';
import { type InspectedFrame, inspectJournal, readTopicReadOnly } from '../src/embedded/inspect.ts';
import { changed, diskOf, FIRST, FOLDER, filesOf, openOn } from './disks.ts';

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of from) out.push(item);
  return out;
}

async function used() {
  const disk = new SimDisk();
  const { log } = await openOn(disk, { fileBytesMax: 800 });
  await log.ensureTopics([RAW, ALERTS]);
  await log.append([raw(0, 'a'), raw(1, 'b'), { ...raw(0, 'alert'), topic: ALERTS.name }]);
  for (let i = 0; i < 20; i++) await log.append([raw(0, `${i} ${'x'.repeat(60)}`)]);
  await log.commit('g', [{ ...rawAt(0), offset: 3 }]);
  return { disk, log };
}

test('every frame is told with file, position, kind and what it holds, while the log is in use', async () => {
  const { disk, log } = await used();
  const before = await filesOf(disk);
  const frames = (await all(inspectJournal(disk, FOLDER))) as (InspectedFrame & { state: 'ok' })[];
  expect(frames.every(({ state }) => state === 'ok')).toBe(true);
  expect(new Set(frames.map(({ file }) => file)).size).toBeGreaterThan(2);
  expect(frames.slice(0, 3).map(({ kind }) => kind)).toEqual(['snapshot', 'topics', 'records']);
  expect(frames[2]?.records).toEqual([
    { topic: RAW.name, partition: 0, firstOffset: 0, count: 1 },
    { topic: RAW.name, partition: 1, firstOffset: 0, count: 1 },
    { topic: ALERTS.name, partition: 0, firstOffset: 0, count: 1 },
  ]);
  expect(frames[2]?.timestampMs).toBe(1_700_000_000_000);
  expect(await filesOf(disk)).toEqual(before);
  await log.append([raw(0, 'still in use')]);
  await log.close();
  const kinds = ((await all(inspectJournal(disk, FOLDER))) as (InspectedFrame & { state: 'ok' })[]).map(
    ({ kind }) => kind,
  );
  expect(kinds.at(-1)).toBe('mark');
  expect(kinds).toContain('positions');
});

test('a bad frame is told, and the other files are still looked at', async () => {
  const { disk, log } = await used();
  await log.close();
  const files = await filesOf(disk);
  const frames = (await all(inspectJournal(disk, FOLDER))) as (InspectedFrame & { state: 'ok' })[];
  const third = frames[2]?.position as number;
  const damaged = await diskOf(
    changed(files, FIRST, (bytes) => {
      bytes[third + 25] = (bytes[third + 25] as number) ^ 4;
      return bytes;
    }),
  );
  const seen = await all(inspectJournal(damaged, FOLDER));
  expect(seen.filter(({ state }) => state === 'bad')).toEqual([
    { state: 'bad', file: FIRST, position: third, reason: 'the frame body is damaged' },
  ]);
  expect(seen.at(-1)?.file).not.toBe(FIRST);
});

test('a topic is read from an offset, or its last records, without opening the log', async () => {
  const { disk, log } = await used();
  const texts = async (options: Parameters<typeof readTopicReadOnly>[3]) =>
    (await all(readTopicReadOnly(disk, FOLDER, RAW.name, options))).map(
      ({ partition, offset, value }) => `${partition}:${offset} ${textOf(value)?.slice(0, 2).trim()}`,
    );
  const everything = await texts({});
  expect(everything).toHaveLength(22);
  expect(everything.slice(0, 3)).toEqual(['0:0 a', '1:0 b', '0:1 0']);
  expect(await texts({ last: 2 })).toEqual(['0:19 18', '0:20 19']);
  expect(await texts({ fromOffset: 19 })).toEqual(['0:19 18', '0:20 19']);
  expect(await texts({ last: 0 })).toEqual([]);
  await expect(all(readTopicReadOnly(disk, FOLDER, 'no.such'))).rejects.toMatchObject({ code: 'LOG_TOPIC_UNKNOWN' });
  await log.close();
});

test('an offset that retention has passed is refused', async () => {
  const { disk, log } = await used();
  for (const group of ['g', 'h']) await log.commit(group, [{ ...rawAt(0), offset: 21 }]);
  for (const partition of [1]) await log.commit('g', [{ ...rawAt(partition), offset: 1 }]);
  await log.commit('g', [{ topic: ALERTS.name, partition: 0, offset: 1 }]);
  await log.retain();
  await expect(all(readTopicReadOnly(disk, FOLDER, RAW.name, { fromOffset: 0 }))).rejects.toMatchObject({
    code: 'LOG_POSITION_LOST',
  });
  await log.close();
});
