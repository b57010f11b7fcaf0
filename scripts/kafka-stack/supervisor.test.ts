import { expect, test } from 'vitest';
import { type Pauses, Supervised } from './supervisor.ts';

const PAUSES: Pauses = { firstMs: 20, longestMs: 80, wellAfterMs: 60_000, stopMs: 15_000 };

/** A Node that runs `script`, supervised; what was said of it, and how often it changed. */
function supervised(script: string, pauses: Partial<Pauses> = {}) {
  const said: string[] = [];
  let changes = 0;
  const it = new Supervised(
    'one',
    { command: process.execPath, args: ['-e', script], env: process.env },
    { say: (line) => said.push(line), changed: () => changes++, pauses: { ...PAUSES, ...pauses } },
  );
  return { it, said, changes: () => changes, [Symbol.asyncDispose]: () => it.stop() };
}

const FOREVER = "console.log('here'); setInterval(() => {}, 1000);";

test('one that is killed is started again, under another pid', async () => {
  await using run = supervised(FOREVER);
  expect([run.it.state, run.it.pid]).toEqual(['stopped', undefined]);
  run.it.start();
  await expect.poll(() => run.it.lines).toEqual(['here']);
  const first = run.it.pid;
  run.it.kill();
  await expect.poll(() => run.it.lines).toEqual(['here', 'here']);
  expect(run.it.restarts).toBe(1);
  expect(run.it.state).toBe('running');
  expect(run.it.pid).not.toBe(first);
  expect(run.said).toEqual(['one ended (SIGKILL) and starts again in 0.02 s; its last words: here']);
  expect(run.changes()).toBe(3);
});

test('one that ends again and again is started later and later', async () => {
  await using run = supervised('console.error("no luck"); process.exit(3);');
  run.it.start();
  await expect.poll(() => run.said.length).toBeGreaterThan(3);
  const pauses = run.said.map((line) => /^one ended \(exit code 3\) and starts again in (\S+) s; /.exec(line)?.[1]);
  expect(pauses.slice(0, 4)).toEqual(['0.02', '0.04', '0.08', '0.08']);
});

test('one that ran for long has a short pause again', async () => {
  await using run = supervised('process.exit(3);', { wellAfterMs: 0 });
  run.it.start();
  await expect.poll(() => run.said.length).toBeGreaterThan(2);
  expect(new Set(run.said)).toEqual(new Set(['one ended (exit code 3) and starts again in 0.02 s']));
});

test('one that is stopped stays so until it is started, also out of a pause', async () => {
  await using run = supervised('process.exit(3);', { firstMs: 3_600_000, longestMs: 3_600_000 });
  run.it.start();
  await expect.poll(() => run.it.state).toBe('waiting');
  run.it.start();
  expect(run.it.state).toBe('running');
  await expect.poll(() => run.it.state).toBe('waiting');
  await run.it.stop();
  await run.it.stop();
  expect([run.it.state, run.it.pid, run.it.restarts]).toEqual(['stopped', undefined, 2]);
});

test('one that does not heed SIGTERM is killed', async () => {
  await using run = supervised("process.on('SIGTERM', () => {}); console.log('deaf'); setInterval(() => {}, 1000);", {
    stopMs: 100,
  });
  run.it.start();
  await expect.poll(() => run.it.lines).toEqual(['deaf']);
  await run.it.stop();
  expect(run.it.state).toBe('stopped');
  expect(run.said).toEqual([]);
});

test('a program that is not there is said, and tried again', async () => {
  const said: string[] = [];
  const parts = { say: (line: string) => said.push(line), pauses: PAUSES };
  const it = new Supervised('none', { command: '/nowhere/none', args: [], env: {} }, parts);
  it.start();
  await expect.poll(() => said.length).toBeGreaterThan(1);
  await it.stop();
  expect(said[0]).toContain('/nowhere/none does not start');
});

test('of what it writes the last lines are kept', async () => {
  await using run = supervised(`for (let i = 0; i < 1000; i++) console.log(i); ${FOREVER}`);
  run.it.start();
  await expect.poll(() => run.it.lines.at(-1)).toBe('here');
  expect(run.it.lines.length).toBe(200);
});
