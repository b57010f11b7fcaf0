import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeDisk, SimClock, silentLogger } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { describe, expect, test } from 'vitest';
import {
  ALERTS,
  alert,
  CONFIG,
  config,
  RAW,
  raw,
  rawAt,
  readAll,
  textOf,
  valuesOf,
} from '../src/conformance/traits.ts';
import type { EmbeddedLog } from '../src/embedded/embedded-log.ts';
import { journalName } from '../src/embedded/file-name.ts';
import { openEmbeddedLog } from '../src/embedded/open.ts';
import { examineJournal, repairJournal } from '../src/embedded/repair.ts';
import type { TopicPartition } from '../src/log.ts';
import { changed, diskOf, FIRST, type Files, FOLDER, filesOf, openOn } from './disks.ts';

// A damaged journal is cut at the damage; what is before it is there, and no offset is ever given out twice.

const TOPICS = [RAW, ALERTS];
const PARTITIONS: TopicPartition[] = [...[0, 1, 2].map(rawAt), { topic: ALERTS.name, partition: 0 }];
const GROUP = 'g';

interface Known {
  readonly files: Files;
  /** The values of each partition, in offset order from 0. */
  readonly values: readonly (readonly (string | null)[])[];
  readonly epoch: number;
}

/** Records, transactions and positions, closed properly; in one file, or in several. */
async function journal(fileBytesMax = 1 << 20, rounds = 6): Promise<Known> {
  const disk = new SimDisk();
  const { log } = await openOn(disk, { fileBytesMax });
  await log.ensureTopics(TOPICS);
  const producer = await log.openProducer({ transactionalId: 'task' });
  for (let i = 0; i < rounds; i++) {
    await log.append([raw(i % 3, `${i} plain`), alert(`${i}`)]);
    const transaction = await producer.begin();
    await transaction.append([raw(0, `${i} a`), raw(1, `${i} b`)]);
    await transaction.sendOffsets(GROUP, [{ ...rawAt(0), offset: (await log.bounds(RAW.name))[0]?.end ?? 0 }]);
    await transaction.commit();
  }
  const values = await Promise.all(PARTITIONS.map(({ topic, partition }) => valuesOf(log, topic, partition)));
  const { epoch } = await log.openProducer({ transactionalId: 'task' });
  await log.close();
  return { files: await filesOf(disk), values, epoch };
}

const flipped = (position: number) => (bytes: Uint8Array) => {
  bytes[position] = (bytes[position] as number) ^ (1 << (position % 8));
  return bytes;
};

/** What a repaired log must keep to, whatever was damaged. Returns how many records are still there. */
async function expectMended(disk: SimDisk, { epoch, values }: Known, what: string): Promise<number> {
  const { log } = await openOn(disk);
  await log.ensureTopics(TOPICS);
  let kept = 0;
  for (const [i, { topic, partition }] of PARTITIONS.entries()) {
    const wanted = values[i] ?? [];
    const found = await readAll(log, topic, partition);
    kept += found.length;
    expect(
      found.map(({ value }) => textOf(value)),
      `${what}, ${topic}/${partition}`,
    ).toEqual(wanted.slice(0, found.length));
    expect(found.map(({ offset }) => offset)).toEqual(found.map((_, at) => at));
    const end = (await log.bounds(topic))[partition]?.end ?? -1;
    expect(end, `${what}, ${topic}/${partition}`).toBeGreaterThanOrEqual(wanted.length);
    const [offset] = await log.append([{ ...raw(0, 'new'), topic, partition }]);
    expect(offset).toBe(end);
    expect((await valuesOf(log, topic, partition)).at(-1)).toBe('new');
  }
  const [position] = await log.committed(GROUP, [rawAt(0)]);
  if (position) await log.commit(GROUP, [position]);
  expect((await log.openProducer({ transactionalId: 'task' })).epoch, what).toBeGreaterThan(epoch);
  await log.close();
  return kept;
}

async function mend(files: Files, known: Known, what: string): Promise<number> {
  const disk = await diskOf(files);
  await expect(openOn(disk), what).rejects.toMatchObject({ code: expect.stringMatching(/LOG_(CORRUPT|FOREIGN)/) });
  const examined = await examineJournal({ disk, folder: FOLDER });
  expect(examined.damage, what).toBeDefined();
  const report = await repairJournal({ disk, folder: FOLDER });
  expect(report, what).toEqual({ ...examined, keptIn: `${FOLDER}/damaged-1` });
  const after = await filesOf(disk);
  expect(await examineJournal({ disk, folder: FOLDER })).toMatchObject({ damage: undefined, tornBytes: 0 });
  expect(await filesOf(disk)).toEqual(after);
  const kept = await expectMended(disk, known, what);
  const { log } = await openOn(disk);
  for (const { topic, partition, keptEnd, knownEnd, continuesAt } of report.partitions) {
    const found = await readAll(log, topic, partition);
    expect(found.filter(({ offset }) => offset < continuesAt)).toHaveLength(keptEnd);
    expect(knownEnd).toBeLessThanOrEqual(continuesAt);
    expect(found.at(-1)?.offset).toBe(continuesAt);
  }
  await log.close();
  return kept;
}

describe('nothing is wrong', () => {
  test('a whole journal is reported whole, and repairing it changes nothing', async () => {
    const { files, values } = await journal();
    const disk = await diskOf(files);
    const report = await repairJournal({ disk, folder: FOLDER });
    expect(report).toMatchObject({ damage: undefined, tornBytes: 0, behindBytes: 0, keptIn: undefined });
    expect(report.partitions.map(({ keptEnd, continuesAt }) => [keptEnd, continuesAt])).toEqual(
      values.map(({ length }) => [length, length]),
    );
    expect(report.positions).toContainEqual({ group: GROUP, ...rawAt(0), offset: 7 });
    expect(await filesOf(disk)).toEqual(files);
  });

  test('a torn end is not damage: opening cuts it off, repairing leaves it alone', async () => {
    const { files } = await journal();
    const torn = changed(files, FIRST, (bytes) => Uint8Array.from([...bytes, 1, 2, 3]));
    const disk = await diskOf(torn);
    expect(await repairJournal({ disk, folder: FOLDER })).toMatchObject({ damage: undefined, tornBytes: 3 });
    expect(await filesOf(disk)).toEqual(torn);
    await (await openOn(disk)).log.close();
  });

  test('a log in use is left alone', async () => {
    const disk = new SimDisk();
    const { log } = await openOn(disk);
    await expect(repairJournal({ disk, folder: FOLDER })).rejects.toMatchObject({ code: 'LOG_LOCKED' });
    await log.close();
  });

  test('a folder of something else is not a damaged journal', async () => {
    const disk = await diskOf(new Map([[FIRST, new Uint8Array(500).fill(65)]]));
    await expect(repairJournal({ disk, folder: FOLDER })).rejects.toMatchObject({ code: 'LOG_FOREIGN' });
  });
});

describe('a damaged journal', () => {
  test('a bit of any byte flipped: all before it is kept, offsets go on above all that were given out', async () => {
    const known = await journal(1 << 20, 2);
    const size = known.files.get(FIRST)?.length ?? 0;
    const total = known.values.flat().length;
    const kept = new Set<number>();
    // A bit in the last mark looks torn; one in the magic alone looks foreign, of which repairing keeps off.
    for (let position = 8; position < size - 20; position++) {
      kept.add(await mend(changed(known.files, FIRST, flipped(position)), known, `byte ${position}`));
    }
    expect(kept.has(0)).toBe(true);
    expect(Math.max(...kept)).toBe(total);
    expect(kept.size).toBeGreaterThan(3);
  });

  test('of many files one is damaged, cut, emptied or missing', async () => {
    const known = await journal(200);
    const names = [...known.files.keys()].filter((name) => name.endsWith('.journal')).sort();
    expect(names.length).toBeGreaterThan(4);
    for (const [i, name] of names.entries()) {
      const size = known.files.get(name)?.length ?? 0;
      const isLast = i === names.length - 1;
      for (const position of [10, 25, 40, 60, 100, size - (isLast ? 30 : 3)]) {
        await mend(changed(known.files, name, flipped(position)), known, `${name} byte ${position}`);
      }
      await mend(
        changed(known.files, name, (bytes) => bytes.fill(0, 0, 64)),
        known,
        `${name} zeroed`,
      );
      await mend(
        changed(known.files, name, () => new Uint8Array(0)),
        known,
        `${name} emptied`,
      );
      if (isLast) continue;
      await mend(
        changed(known.files, name, (bytes) => bytes.subarray(0, size - 25)),
        known,
        `${name} cut`,
      );
      if (i === 0) continue;
      const missing = new Map(known.files);
      missing.delete(name);
      await mend(missing, known, `${name} missing`);
    }
  });

  test('the report says what is lost: ranges, readable records, where each group stands', async () => {
    const known = await journal();
    const frames = known.files.get(FIRST) as Uint8Array;
    const half = Math.trunc(frames.length / 2);
    const disk = await diskOf(changed(known.files, FIRST, flipped(half)));
    const report = await examineJournal({ disk, folder: FOLDER });
    expect(report.damage).toMatchObject({ file: FIRST, reason: expect.stringContaining('damaged') });
    expect(report.behindBytes).toBeGreaterThan(frames.length / 4);
    expect(report.unreadableBytes).toBeGreaterThan(20);
    expect(report.unreadableBytes).toBeLessThan(200);
    for (const [i, loss] of report.partitions.entries()) {
      expect(loss.knownEnd).toBe(known.values[i]?.length);
      expect(loss.continuesAt).toBe(loss.knownEnd + report.unreadableBytes);
      expect(loss.keptEnd + loss.readable).toBeLessThanOrEqual(loss.knownEnd);
    }
    const lost = report.partitions.reduce((sum, { keptEnd, knownEnd }) => sum + knownEnd - keptEnd, 0);
    const readable = report.partitions.reduce((sum, loss) => sum + loss.readable, 0);
    expect(readable).toBeGreaterThan(0);
    expect(lost - readable).toBeLessThanOrEqual(2);
    expect(report.positions).toContainEqual({ group: GROUP, ...rawAt(0), offset: 7 });
  });

  test('what was taken away is kept aside, byte for byte', async () => {
    const known = await journal(300);
    const second = `${FOLDER}/${journalName(2)}`;
    const damaged = changed(known.files, second, flipped(100));
    const disk = await diskOf(damaged);
    await repairJournal({ disk, folder: FOLDER });
    for (const [path, bytes] of damaged) {
      if (path < second || !path.endsWith('.journal')) continue;
      expect(await disk.read(path.replace(FOLDER, `${FOLDER}/damaged-1`))).toEqual(bytes);
    }
  });

  test('repaired twice, at two damages: offsets still rise', async () => {
    const known = await journal();
    const disk = await diskOf(changed(known.files, FIRST, flipped(600)));
    const first = await repairJournal({ disk, folder: FOLDER });
    await (await openOn(disk)).log.close();
    disk.flipBit(FIRST, 300, 1);
    const second = await repairJournal({ disk, folder: FOLDER });
    expect(second.keptIn).toBe(`${FOLDER}/damaged-2`);
    for (const [i, { continuesAt }] of second.partitions.entries()) {
      expect(continuesAt).toBeGreaterThanOrEqual(first.partitions[i]?.continuesAt ?? 0);
    }
    await expectMended(disk, known, 'twice');
  });

  test('power lost at any step of a repair: repaired again, it ends as well', async () => {
    const known = await journal(300);
    const second = `${FOLDER}/${journalName(2)}`;
    const damaged = changed(known.files, second, flipped(100));
    let interrupted = 0;
    for (let turns = 0; turns < 400; turns += 3) {
      const disk = await diskOf(damaged);
      let done = false;
      const repairing = repairJournal({ disk, folder: FOLDER }).then(
        () => {
          done = true;
        },
        () => undefined,
      );
      for (let i = 0; i < turns; i++) await Promise.resolve();
      if (!done) interrupted++;
      const after = disk.crash({ seed: turns, keep: 'torn' });
      await repairing;
      await repairJournal({ disk: after, folder: FOLDER });
      await expectMended(after, known, `crashed after ${turns} turns`);
    }
    expect(interrupted).toBeGreaterThan(20);
  });

  test('a reader goes over the gap to what was appended after it, and a group that was beyond goes on there', async () => {
    const known = await journal();
    const disk = await diskOf(changed(known.files, FIRST, flipped(400)));
    const { partitions } = await repairJournal({ disk, folder: FOLDER });
    const { log } = await openOn(disk, { tailBytesMax: 10 });
    const [loss] = partitions;
    const reader = await log.openReader({ group: GROUP, from: [{ ...rawAt(0), offset: 'committed' }] });
    const [over] = await reader.fetch({ maxBytes: 1000, maxWaitMs: 0 });
    expect(over).toMatchObject({ records: [], nextOffset: loss?.continuesAt });
    const waiting = reader.fetch({ maxBytes: 1000, maxWaitMs: 60_000 });
    expect(await log.append([raw(0, 'new')])).toEqual([loss?.continuesAt]);
    expect((await waiting)[0]?.records).toHaveLength(1);
    for (let i = 0; i < 20; i++) await log.append([raw(0, 'later')]);
    expect((await valuesOf(log, RAW.name, 0)).slice(-21)).toEqual([
      'new',
      ...Array.from({ length: 20 }, () => 'later'),
    ]);
    await log.close();
  });
});

test('a compacted topic with a store: what the store holds stays, offsets go on above it, over files let go later', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-repair-'));
  try {
    const disk = nodeDisk(root);
    const open = (): Promise<EmbeddedLog> =>
      openEmbeddedLog({
        disk,
        clock: new SimClock(1_700_000_000_000),
        logger: silentLogger,
        options: { fileBytesMax: 1000 },
      });
    const fill = async (log: EmbeddedLog) => {
      for (let i = 0; i < 20; i++) await log.append([raw(0, 'x'.repeat(200))]);
      await log.commit(GROUP, [{ ...rawAt(0), offset: (await log.bounds(RAW.name))[0]?.end ?? 0 }]);
      await log.retain();
    };
    const log = await open();
    await log.ensureTopics([RAW, CONFIG]);
    for (let i = 0; i < 30; i++) await log.append([config(`key ${i % 10}`, `${i}`)]);
    await fill(log);
    await log.append([config('key 3', 'perhaps lost')]);
    await log.close();
    const folder = join(root, 'log');
    // All of the journal is damaged: only the store is left.
    for (const name of (await readdir(folder)).filter((each) => each.endsWith('.journal'))) {
      const bytes = await readFile(join(folder, name));
      await writeFile(join(folder, name), flipped(40)(bytes));
    }
    const report = await repairJournal({ disk, folder: 'log' });
    expect(report.damagedStores).toEqual([]);
    const again = await open();
    await again.ensureTopics([RAW, CONFIG]);
    const [end] = await again.append([config('key 5', 'new')]);
    expect(end).toBeGreaterThanOrEqual(31);
    const stateOf = async (from: EmbeddedLog) =>
      Object.fromEntries((await readAll(from, CONFIG.name)).map(({ key, value }) => [textOf(key), textOf(value)]));
    const wanted = Object.fromEntries(
      Array.from({ length: 10 }, (_, k) => [`key ${k}`, k === 5 ? 'new' : `${k + 20}`]),
    );
    expect(await stateOf(again)).toEqual(wanted);
    await fill(again);
    await again.close();
    const third = await open();
    expect(await stateOf(third)).toEqual(wanted);
    await third.append([config('key 6', 'newest')]);
    await fill(third);
    expect(await stateOf(third)).toEqual({ ...wanted, 'key 6': 'newest' });
    await third.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
