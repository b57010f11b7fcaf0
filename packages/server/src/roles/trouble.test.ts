import { lineLogger, SimClock } from '@tidemark/base';
import { expect, test } from 'vitest';
import { Trouble } from './trouble.ts';

test('a lasting trouble is said at its beginning, once a minute, and at its end', async () => {
  const clock = new SimClock();
  const lines: string[] = [];
  const trouble = new Trouble(
    clock,
    lineLogger({ write: (line) => lines.push(line.slice(25)), nowMs: () => 0 }),
    'write',
  );
  trouble.succeeded();
  for (let second = 0; second < 90; second++) {
    trouble.failed(new Error('disk full'));
    await clock.advance(1000);
  }
  trouble.succeeded();
  trouble.succeeded();
  expect(lines).toEqual([
    'error cannot write; trying again failures=1 error="disk full"',
    'error cannot write; trying again failures=61 error="disk full"',
    'info can write again failures=90',
  ]);
});

test('where some of it works while the rest fails, it is over when nothing has failed for a minute', async () => {
  const clock = new SimClock();
  const lines: string[] = [];
  const logger = lineLogger({ write: (line) => lines.push(line.slice(25)), nowMs: () => 0 });
  const trouble = new Trouble(clock, logger, 'read');
  for (let second = 0; second < 300; second++) {
    if (second % 30 === 0 && second < 100) trouble.failed(new Error('denied'));
    else trouble.didNotFail();
    await clock.advance(1000);
  }
  expect(lines).toEqual([
    'error cannot read; trying again failures=1 error=denied',
    'error cannot read; trying again failures=3 error=denied',
    'info can read again failures=4',
  ]);
});
