import { expect, test } from 'vitest';
import { readChunk } from '../chunk/chunk.ts';
import { type Column, Columns } from '../chunk/columns.ts';
import { CHUNK_SAMPLES, PendingChunks } from './pending.ts';

// A run of any length becomes chunks of which each says what it has, and nothing is lost where one ends and the next begins.

test.each([1, 2, CHUNK_SAMPLES - 1, CHUNK_SAMPLES, CHUNK_SAMPLES + 1, 3 * CHUNK_SAMPLES, 3 * CHUNK_SAMPLES + 7])(
  '%i samples',
  (count) => {
    const run = new Columns(1, count + 3);
    run.length = count + 3;
    for (let i = 0; i < run.length; i++) {
      run.timestampsMs[i] = 1000 + i * 15_000;
      (run.columns[0] as Column).values[i] = i * i;
    }
    const pending = new PendingChunks(0);
    // Not from its beginning, and not to its end.
    pending.add(5, run, 2, count + 2, 3);
    const { table } = pending;
    expect([pending.samples, table.count]).toEqual([count, Math.ceil(count / CHUNK_SAMPLES)]);
    const read = new Columns(1);
    for (let at = 0; at < table.count; at++) {
      const from = read.length;
      const start = table.offset(at);
      readChunk(pending.pageOf(table.block(at)), start, start + table.length(at), read);
      expect([table.refOf(at), table.rank(at), table.samples(at)]).toEqual([5, 3, read.length - from]);
      expect([table.minMs(at), table.maxMs(at)]).toEqual([read.timestampsMs[from], read.timestampsMs[read.length - 1]]);
    }
    expect([...read.timestampsMs.subarray(0, read.length)]).toEqual([...run.timestampsMs.subarray(2, count + 2)]);
    const values = (columns: Columns) => (columns.columns[0] as Column).values;
    expect([...values(read).subarray(0, count)]).toEqual([...values(run).subarray(2, count + 2)]);
  },
);
