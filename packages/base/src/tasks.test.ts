import { expect, test } from 'vitest';
import { AssertionError, assert, must, unreachable } from './assert.ts';
import { isTidemarkError, messageOf, systemCode, TidemarkError } from './error.ts';
import { Mutex } from './mutex.ts';
import { TaskGroup } from './task-group.ts';

// The small words: assert, error, mutex, task group.

test('assert, must and unreachable name what should have held', () => {
  expect(() => assert(false, 'offsets increase')).toThrow(new AssertionError('offsets increase'));
  expect(() => must(undefined, 'there is one')).toThrow('there is one');
  expect(() => must(null)).toThrow(AssertionError);
  expect([must(0), must(''), must(false)]).toEqual([0, '', false]);
  expect(() => unreachable('x' as never)).toThrow('unreachable: "x"');
});

test('an error of the world has a code, facts and a cause', () => {
  const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  const error = new TidemarkError('DISK_FULL', 'cannot write', { path: 'x' }, cause);
  expect(isTidemarkError(error)).toBe(true);
  expect(isTidemarkError(error, 'DISK_FULL')).toBe(true);
  expect(isTidemarkError(error, 'DISK_IO')).toBe(false);
  expect(isTidemarkError(cause)).toBe(false);
  expect([error.cause, error.details['path'], systemCode(cause), systemCode('x')]).toEqual([
    cause,
    'x',
    'ENOSPC',
    undefined,
  ]);
  expect([messageOf(error), messageOf('text')]).toEqual(['cannot write', 'text']);
});

test('a mutex: one at a time, in order, whatever fails', async () => {
  const mutex = new Mutex();
  const events: string[] = [];
  const work = (name: string, fails = false) =>
    mutex.run(async () => {
      events.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const results = await Promise.allSettled([work('a'), work('b', true), work('c')]);
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('a task group stops its children and waits for them', async () => {
  const failures: string[] = [];
  const group = new TaskGroup((name, error) => failures.push(`${name}: ${messageOf(error)}`));
  let stopped = false;
  group.spawn('loop', async (signal) => {
    await new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    ).catch(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      stopped = true;
    });
  });
  group.spawn('breaks', async () => {
    throw new Error('early');
  });
  group.spawn('breaks when stopped', async (signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    throw new Error('late');
  });
  await new Promise((resolve) => setImmediate(resolve));
  await group.close();
  await group.close();
  expect(stopped).toBe(true);
  expect(failures).toEqual(['breaks: early']);
});
