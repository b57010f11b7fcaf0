import { SimClock } from '@tidemark/base';
import { expect, test } from 'vitest';
import type { Log } from '../log.ts';
import { SimLog } from './sim-log.ts';

const NOW = { maxBytes: 1e6, maxWaitMs: 0 };
const raw0 = { topic: 'raw', partition: 0 };
const record = (value: string) => ({ ...raw0, key: null, value: Buffer.from(value) });

async function newLog(clock = new SimClock(1000)): Promise<SimLog> {
  const log = new SimLog({ clock });
  await log.ensureTopics([{ name: 'raw', partitions: 1, compacted: false, retentionMs: 0 }]);
  return log;
}

async function values(log: Log): Promise<string[]> {
  const reader = await log.openReader({ group: 'look', from: [{ ...raw0, offset: 'earliest' }] });
  const fetched = await reader.fetch(NOW);
  await reader.close();
  return fetched.flatMap(({ records }) => records.map(({ value }) => Buffer.from(value as Uint8Array).toString()));
}

test('an append rejected before it was taken is not there', async () => {
  const log = await newLog();
  log.faults.failNextAppend({ when: 'before' });
  await expect(log.append([record('a')])).rejects.toMatchObject({ code: 'LOG_IO' });
  await log.append([record('b')]);
  expect(await values(log)).toEqual(['b']);
});

test('an append rejected after it was taken is there, and a retry doubles it', async () => {
  const log = await newLog();
  log.faults.failNextAppend({ when: 'after', code: 'LOG_OVERLOADED' });
  await expect(log.append([record('a')])).rejects.toMatchObject({ code: 'LOG_OVERLOADED' });
  await log.append([record('a')]);
  expect(await values(log)).toEqual(['a', 'a']);
});

test('a slow append resolves when the clock says so, and later ones stay behind it', async () => {
  const clock = new SimClock();
  const log = await newLog(clock);
  log.faults.appendDelayMs = 100;
  const done: string[] = [];
  const first = log.append([record('a')]).then(() => done.push('a'));
  log.faults.appendDelayMs = 10;
  const second = log.append([record('b')]).then(() => done.push('b'));
  await clock.advance(9);
  expect(done).toEqual([]);
  await clock.advance(200);
  await Promise.all([first, second]);
  expect(await values(log)).toEqual(['a', 'b']);
});

test('redeliver hands out the same records with the same offsets again', async () => {
  const log = await newLog();
  await log.append([record('a'), record('b'), record('c')]);
  const reader = await log.openReader({ group: 'g', from: [{ ...raw0, offset: 'earliest' }] });
  const [first] = await reader.fetch(NOW);
  log.redeliver(2);
  const [again] = await reader.fetch(NOW);
  expect(again?.records).toEqual(first?.records.slice(1));
});

test('a crash keeps records, forgets commits since the last sync, and closes everything', async () => {
  const log = await newLog();
  await log.append([record('a'), record('b')]);
  await log.commit('g', [{ ...raw0, offset: 1 }]);
  log.syncPositions();
  await log.commit('g', [{ ...raw0, offset: 2 }]);
  const reader = await log.openReader({ group: 'g', from: [{ ...raw0, offset: 'committed' }] });
  const waiting = reader.fetch({ maxBytes: 1, maxWaitMs: 1e6 });
  const after = log.crash();
  await expect(waiting).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  await expect(log.append([record('c')])).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  expect(await after.committed('g', [raw0])).toEqual([{ ...raw0, offset: 1 }]);
  expect(await values(after)).toEqual(['a', 'b']);
});

test('a reader that was cut off is told so, with the new start', async () => {
  const log = await newLog();
  await log.append([record('a'), record('b'), record('c')]);
  const reader = await log.openReader({ group: 'g', from: [{ ...raw0, offset: 'earliest' }] });
  log.cutOff(raw0, 2);
  await expect(reader.fetch(NOW)).rejects.toMatchObject({ code: 'LOG_POSITION_LOST', details: { start: 2, end: 3 } });
  reader.seek({ ...raw0, offset: 2 });
  expect((await reader.fetch(NOW))[0]?.records).toHaveLength(1);
});
