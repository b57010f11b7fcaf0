import { type Logger, SimClock, silentLogger, TidemarkError } from '@tidemark/base';
import { expect, test } from 'vitest';
import { keepTrying } from './keep-trying.ts';

function world(failures: readonly Error[]) {
  const clock = new SimClock(0);
  const stop = new AbortController();
  const lines: string[] = [];
  const reasons: (string | undefined)[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (message) => void lines.push(message),
    info: (message) => void lines.push(message),
  };
  const left = [...failures];
  let attempts = 0;
  const attempt = async () => {
    attempts++;
    const failure = left.shift();
    if (failure) throw failure;
    return 'there';
  };
  const waitingFor = (reason: string | undefined) => void reasons.push(reason);
  const made = keepTrying('reach the log', new Set(['LOG_IO']), attempt, {
    clock,
    logger,
    signal: stop.signal,
    waitingFor,
  });
  made.catch(() => undefined);
  return { clock, stop, lines, reasons, made, attempts: () => attempts };
}

const away = () => new TidemarkError('LOG_IO', 'nobody is there');

test('what is away is asked for until it is there, and said once a minute', async () => {
  const { clock, lines, reasons, made, attempts } = world(Array.from({ length: 12 }, away));
  // The first attempt has its turn before time moves.
  await clock.advance(0);
  await clock.advance(120_000);
  expect(await made).toBe('there');
  expect(attempts()).toBe(13);
  expect(lines).toEqual([
    'cannot reach the log; trying again',
    'cannot reach the log; trying again',
    'can reach the log again',
  ]);
  expect([reasons[0], reasons.at(-1)]).toEqual(['cannot reach the log: nobody is there', undefined]);
});

test('what waiting does not mend ends it', async () => {
  const wrong = new TidemarkError('LOG_TOPIC_MISMATCH', 'other partitions');
  const { clock, made } = world([away(), wrong]);
  await clock.advance(0);
  await clock.advance(10_000);
  await expect(made).rejects.toBe(wrong);
});

test('a process that is told to stop does', async () => {
  const { clock, stop, made, attempts } = world(Array.from({ length: 100 }, away));
  await clock.advance(0);
  await clock.advance(1000);
  stop.abort(new Error('stop'));
  await expect(made).rejects.toThrow('stop');
  const before = attempts();
  await clock.advance(60_000);
  expect(attempts()).toBe(before);
});
