import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { RunningFile } from './running-file.ts';

test('a folder is not taken while somebody who is noted there runs', async () => {
  await using folder = await tempFolder('running');
  const file = new RunningFile(folder.path);
  file.claim();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const pid = child.pid ?? 0;
  file.note([{ name: 'store-a0', pid }]);
  expect(() => file.claim()).toThrow(`there runs already: store-a0 (${pid}). `);
  expect(() => file.claim()).toThrow(`kill ${pid}.`);
  child.kill('SIGKILL');
  await once(child, 'close');
  file.claim();
});

test('it goes with the stack, and one that was cut off claims nothing', async () => {
  await using folder = await tempFolder('running');
  const file = new RunningFile(folder.path);
  file.note([{ name: 'stack', pid: process.pid }]);
  file.remove();
  file.remove();
  expect(existsSync(join(folder.path, 'processes.json'))).toBe(false);
  writeFileSync(join(folder.path, 'processes.json'), '[{"name": "sta');
  file.claim();
});
