import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { nodeDisk, SimClock, silentLogger } from '@tidemark/base';
import { openEmbeddedLog } from '@tidemark/log';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseArgs } from './command.ts';
import { repairCommand } from './repair.ts';

let data = '';
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'tidemark-repair-cli-'));
});
afterAll(() => rm(data, { recursive: true, force: true }));

const openLog = () =>
  openEmbeddedLog({ disk: nodeDisk(data), clock: new SimClock(1_700_000_000_000), logger: silentLogger });

async function run(...args: string[]): Promise<{ code: number; lines: string[] }> {
  const chunks: string[] = [];
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  const code = await repairCommand.run({
    args: parseArgs(args, repairCommand.options),
    env: {},
    stdin: Readable.from([]),
    stdout,
    stderr: stdout,
    signal: new AbortController().signal,
  });
  return { code, lines: chunks.join('').trim().split('\n') };
}

test('a whole journal, a damaged one, a cut, and what the cut left', async () => {
  await expect(run(data)).rejects.toMatchObject({ code: 'DATA_MISSING' });
  const log = await openLog();
  await log.ensureTopics([{ name: 'raw', partitions: 1, compacted: false, retentionMs: 0 }]);
  for (let i = 0; i < 10; i++) {
    await log.append([{ topic: 'raw', partition: 0, key: null, value: Buffer.from(`value ${i}`) }]);
  }
  await log.commit('reader', [{ topic: 'raw', partition: 0, offset: 9 }]);
  await expect(run(data)).rejects.toMatchObject({ code: 'LOG_LOCKED' });
  await log.close();
  expect(await run(data)).toEqual({ code: 0, lines: ['the journal is whole'] });

  const path = join(data, 'log', '00000001.journal');
  const bytes = await readFile(path);
  const at = bytes.indexOf('value 4');
  bytes[at] = (bytes[at] as number) ^ 1;
  await writeFile(path, bytes);
  const examined = await run(data);
  expect(examined.code).toBe(1);
  expect(examined.lines.join('\n')).toMatch(/00000001\.journal at byte \d+: damaged/);
  expect(examined.lines.join('\n')).toContain(
    'would be lost: raw/0 offsets 4 to 9, 5 of them still readable; reader had read up to 9',
  );
  expect(await readFile(path)).toEqual(bytes);

  const cut = await run(data, '--cut');
  expect(cut.code).toBe(0);
  expect(cut.lines.at(-1)).toBe('the journal was cut; what was taken away is kept in log/damaged-1');
  expect(await readFile(join(data, 'log', 'damaged-1', '00000001.journal'))).toEqual(bytes);
  expect(await run(data)).toMatchObject({ code: 0 });
  const again = await openLog();
  const goesOn = Number(/raw\/0 goes on at (\d+)/.exec(cut.lines.join('\n'))?.[1]);
  expect(goesOn).toBeGreaterThanOrEqual(10);
  expect(await again.append([{ topic: 'raw', partition: 0, key: null, value: Buffer.from('new') }])).toEqual([goesOn]);
  await again.close();
  expect(await readdir(join(data, 'log'))).toContain('damaged-1');
});
