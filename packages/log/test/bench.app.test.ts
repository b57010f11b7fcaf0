import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

// The bench runs, with a little: so that it does not rot.

test('the journal bench prints its figures', async () => {
  const bench = join(import.meta.dirname, '../src/embedded/journal.bench.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['-C', 'source', bench, '4']);
  expect(stdout).toMatch(/^append, 4 x 10 kB, 32 at once, synced +\d+ MB\/s +[\d.]+ CPU-s\/GB +\d+ appends\/s$/m);
  expect(stdout).toMatch(/^transactions, .* \d+ transactions\/s$/m);
  expect(stdout).toMatch(/^open and replay +\d+ MB\/s/m);
  expect(stdout).toMatch(/^read back from disk.* \d+ MB\/s/m);
});
