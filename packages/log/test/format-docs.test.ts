import { readFileSync } from 'node:fs';
import { SimClock, silentLogger } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { expect, test } from 'vitest';
import { readAll, textOf } from '../src/conformance/traits.ts';
import { inspectJournal } from '../src/embedded/inspect.ts';
import { openEmbeddedLog } from '../src/embedded/open.ts';
import { repairJournal } from '../src/embedded/repair.ts';
import { diskOf, FIRST, FOLDER } from './disks.ts';

// docs/format/embedded-log.md shows a file byte by byte; a page that lies fails here.

const page = readFileSync(new URL('../../../docs/format/embedded-log.md', import.meta.url), 'utf8');

/** The bytes of a block: pairs of hex digits at the front of each line, then at least two spaces and a remark. */
function hexBlock(name: string): Uint8Array {
  const block = new RegExp(`\`\`\`hex ${name}\\n([^\`]+)\`\`\``).exec(page)?.[1] ?? '';
  const bytes = block
    .split('\n')
    .map((line) => line.split('  ')[0] ?? '')
    .join(' ')
    .replace(/\s/g, '');
  return Uint8Array.from(Buffer.from(bytes, 'hex'));
}

const SPEC = { name: 'tidemark.raw', partitions: 2, compacted: false, retentionMs: 172_800_000 };
const raw = (partition: number) => ({ topic: SPEC.name, partition });

async function openOn(disk: SimDisk) {
  const random = { next: () => 0, below: () => 0x5a17c0de, bytes: (length: number) => new Uint8Array(length) };
  const clock = new SimClock(1_700_000_000_000);
  return openEmbeddedLog({ disk, clock, random, logger: silentLogger, options: { folder: FOLDER } });
}

test('the file on the page opens, and holds what the page says', async () => {
  const disk = await diskOf(new Map([[FIRST, hexBlock('journal')]]));
  const kinds: string[] = [];
  for await (const frame of inspectJournal(disk, FOLDER)) kinds.push(frame.state === 'ok' ? frame.kind : frame.reason);
  expect(kinds).toEqual(['snapshot', 'topics', 'records', 'positions', 'mark']);
  const log = await openOn(disk);
  expect(await log.topics()).toEqual([SPEC]);
  expect(await log.committed('storer', [raw(1)])).toEqual([{ ...raw(1), offset: 1 }]);
  const [up] = await readAll(log, SPEC.name, 1);
  expect([textOf(up?.value ?? null), { ...up?.headers }, up?.timestampMs]).toEqual([
    'up',
    { t: 'a' },
    1_700_000_000_000,
  ]);
  const [down] = await readAll(log, SPEC.name, 0);
  expect([textOf(down?.key ?? null), textOf(down?.value ?? null)]).toEqual(['k', 'down']);
  await log.close();
});

test('the same calls write the file on the page, byte for byte', async () => {
  const disk = new SimDisk();
  const log = await openOn(disk);
  await log.ensureTopics([SPEC]);
  await log.append([
    { ...raw(1), key: null, value: Buffer.from('up'), headers: { t: 'a' } },
    { ...raw(0), key: Buffer.from('k'), value: Buffer.from('down') },
  ]);
  await log.commit('storer', [{ ...raw(1), offset: 1 }]);
  await log.close();
  expect(Buffer.from(await disk.read(FIRST)).toString('hex')).toBe(Buffer.from(hexBlock('journal')).toString('hex'));
});

const ROWS = { name: 'tidemark.1m', partitions: 1, compacted: false, retentionMs: 345_600_000 };
const row = { topic: ROWS.name, partition: 0 };

test('the transaction on the page opens whole, and the same calls write it', async () => {
  const disk = await diskOf(new Map([[FIRST, hexBlock('transaction')]]));
  const kinds: string[] = [];
  for await (const frame of inspectJournal(disk, FOLDER)) kinds.push(frame.state === 'ok' ? frame.kind : frame.reason);
  expect(kinds).toEqual(['snapshot', 'topics', 'producer', 'transaction', 'mark']);
  const log = await openOn(disk);
  expect((await readAll(log, ROWS.name)).map(({ value }) => textOf(value))).toEqual(['row']);
  expect(await log.committed('rollup', [row])).toEqual([{ ...row, offset: 0 }]);
  expect((await log.openProducer({ transactionalId: 'rollup-0' })).epoch).toBe(2);
  await log.close();

  const written = new SimDisk();
  const writer = await openOn(written);
  await writer.ensureTopics([ROWS]);
  const transaction = await (await writer.openProducer({ transactionalId: 'rollup-0' })).begin();
  await transaction.append([{ ...row, key: null, value: Buffer.from('row') }]);
  await transaction.sendOffsets('rollup', [{ ...row, offset: 0 }]);
  await transaction.commit();
  await writer.close();
  const bytes = Buffer.from(await written.read(FIRST)).toString('hex');
  expect(bytes).toBe(Buffer.from(hexBlock('transaction')).toString('hex'));
});

test('the journal on the page with a flipped bit is repaired as the page says, and opens', async () => {
  const damaged = hexBlock('journal');
  damaged[150] = (damaged[150] as number) ^ 1;
  const disk = await diskOf(new Map([[FIRST, damaged]]));
  await expect(openOn(disk)).rejects.toMatchObject({ code: 'LOG_CORRUPT', details: { position: 98 } });
  await repairJournal({ disk, folder: FOLDER });
  const wanted = Buffer.concat([damaged.subarray(0, 98), hexBlock('repaired')]);
  expect(Buffer.from(await disk.read(FIRST)).toString('hex')).toBe(wanted.toString('hex'));
  const log = await openOn(disk);
  expect((await log.bounds(SPEC.name)).map(({ end }) => end)).toEqual([58, 59]);
  expect(await log.committed('storer', [raw(1)])).toEqual([{ ...raw(1), offset: 1 }]);
  await log.ensureTopics([ROWS]);
  expect(await log.append([{ ...row, key: null, value: Buffer.from('row') }])).toEqual([58]);
  expect((await log.openProducer({ transactionalId: 'rollup-0' })).epoch).toBe(59);
  await log.close();
});
