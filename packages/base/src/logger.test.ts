import { expect, test } from 'vitest';
import { type LogLevel, lineLogger, silentLogger } from './logger.ts';

function lines(minLevel?: LogLevel) {
  const out: string[] = [];
  const level = minLevel === undefined ? {} : { minLevel };
  const logger = lineLogger({ write: (line) => out.push(line), nowMs: () => 1_700_000_000_123, ...level });
  return { logger, out };
}

test('one line a fact, with its room and fields', () => {
  const { logger, out } = lines();
  logger.child('log').child('retention').warn('cut off', { topic: 'raw', bytes: 5, left: undefined, last: null });
  expect(out).toEqual(['2023-11-14T22:13:20.123Z warn log/retention: cut off topic=raw bytes=5 last=null']);
});

test('a value never makes a second line or another field', () => {
  const { logger, out } = lines();
  logger.error('bad', { reason: 'a b=c\n2023 info forged', quote: '"' });
  expect(out[0]).toBe('2023-11-14T22:13:20.123Z error bad reason="a b=c\\n2023 info forged" quote="\\""');
});

test('what is below the level is not written', () => {
  const { logger, out } = lines('warn');
  logger.debug('no');
  logger.info('no');
  logger.warn('yes');
  expect(out).toHaveLength(1);
  expect(lines().out).toEqual([]);
  silentLogger.child('x').error('nobody hears');
});
