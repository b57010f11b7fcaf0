import { type Logger, SimClock, silentLogger, TidemarkError } from '@tidemark/base';
import { expect, test } from 'vitest';
import { registerSchema } from './register-schema.ts';

function world(answer: (nowMs: number) => Error | undefined) {
  const clock = new SimClock(0);
  const stop = new AbortController();
  const attemptsMs: number[] = [];
  const lines: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (message) => void lines.push(message),
    warn: (message) => void lines.push(message),
    info: (message) => void lines.push(message),
  };
  const said: (string | undefined)[] = [];
  const schemas = {
    async register() {
      attemptsMs.push(clock.monotonicMs());
      const failure = answer(clock.monotonicMs());
      if (failure) throw failure;
      return 7;
    },
  };
  const done = registerSchema(schemas, 'samples-value', { clock, logger, say: (one) => said.push(one) }, stop.signal);
  done.catch(() => undefined);
  return { clock, stop, attemptsMs, lines, said, done };
}

const away = () => new TidemarkError('REGISTRY_UNREACHABLE', 'the schema registry at there: ECONNREFUSED');

test('a registry that comes after an hour is heard within half a minute, and was complained of once a minute', async () => {
  const { clock, attemptsMs, lines, said } = world((nowMs) => (nowMs < 3_600_000 ? away() : undefined));
  await clock.advance(0);
  for (let second = 0; second < 3_630; second++) await clock.advance(1000);
  expect(attemptsMs.at(-1)).toBeGreaterThanOrEqual(3_600_000);
  expect(attemptsMs.slice(0, 3)).toEqual([0, 1000, 3000]);
  expect(said[0]).toBe('the schema registry does not answer: the schema registry at there: ECONNREFUSED');
  expect(said.at(-1)).toBeUndefined();
  expect(lines.filter((line) => /^cannot register/.test(line)).length).toBeLessThanOrEqual(61);
  expect(lines.slice(-2)).toEqual(['can register the schema of samples again', 'the schema of samples is registered']);
});

test('one that refuses it is asked once, and keeps nobody from being ready', async () => {
  const { clock, attemptsMs, lines, said, done } = world(() => new TidemarkError('SCHEMA_REFUSED', 'incompatible'));
  await clock.advance(600_000);
  await done;
  expect([attemptsMs, said, lines]).toEqual([[0], [undefined], ['the registry refuses the schema of samples']]);
});
