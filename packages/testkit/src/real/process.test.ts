import { expect, test } from 'vitest';
import { freePort, listensOn } from './port.ts';
import { answers, type ProcessOptions, type RealProcess, startProcess } from './process.ts';

/** A Node program as the real thing. */
function program(source: string, options: Partial<ProcessOptions> = {}): Promise<RealProcess> {
  return startProcess({
    name: 'program',
    command: process.execPath,
    args: ['-e', source],
    ready: async ({ output }) => output.includes('here'),
    ...options,
  });
}

const STAYS = 'console.log("here"); setInterval(() => {}, 1000);';

test('it is ready when it says so and gone when disposed', async () => {
  let seen: RealProcess;
  {
    await using running = await program(STAYS);
    seen = running;
    expect(running.output).toContain('here');
    expect(running.exit).toBeUndefined();
  }
  expect(seen.exit).toEqual({ code: null, signal: 'SIGTERM' });
  expect(() => process.kill(seen.pid, 0)).toThrow('ESRCH');
});

test('its exit code is told', async () => {
  await using running = await program(`process.on("SIGTERM", () => process.exit(3)); ${STAYS}`);
  expect(await running.stop()).toEqual({ code: 3, signal: null });
  expect(await running.stop()).toEqual({ code: 3, signal: null });
});

test('kill9 leaves it no last word', async () => {
  await using running = await program(`process.on("exit", () => console.log("last word")); ${STAYS}`);
  expect(await running.kill9()).toEqual({ code: null, signal: 'SIGKILL' });
  expect(running.output).not.toContain('last word');
});

test('one that ends too early is an error with its output', async () => {
  await expect(program('console.error("no disk"); process.exit(2)')).rejects.toThrow(
    /ended before it was ready \(exit code 2\):\nno disk/,
  );
});

test('one that never becomes ready is an error and does not stay behind', async () => {
  let pid = 0;
  const slow = program('console.log("hm"); setInterval(() => {}, 1000);', {
    readyMs: 300,
    ready: async (running) => {
      pid = running.pid;
      return false;
    },
  });
  await expect(slow).rejects.toThrow(/was not ready after 300 ms/);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('one that ignores SIGTERM is killed, and that is an error', async () => {
  const stubborn = await program(`process.on("SIGTERM", () => {}); ${STAYS}`, { stopMs: 200 });
  await expect(stubborn.stop()).rejects.toThrow('did not stop within 200 ms');
  expect(stubborn.exit?.signal).toBe('SIGKILL');
});

test('a program that does not exist is one clear error', async () => {
  await expect(program('', { command: '/nowhere/at-all' })).rejects.toThrow(
    /ended before it was ready \(spawn .*ENOENT/,
  );
});

test('a port belongs to the process that listens on it', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const source = `require("http").createServer((_, answer) => answer.end("hi")).listen(${port}, "127.0.0.1")`;
  await using server = await program(source, { ready: () => answers(url) });
  await using other = await program(STAYS);
  expect(listensOn(server.pid, port)).toBe(true);
  expect(listensOn(other.pid, port)).toBe(false);
});
