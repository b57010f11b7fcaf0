import type { PlantedBug } from '../bug.ts';
import { by, src } from './places.ts';

// Series that matchers should find and do not, and the other way round.

export const INDEX: readonly PlantedBug[] = [
  {
    name: 'first-alternative-only',
    what: 'of an anchored alternation, a|b, only the first alternative is looked up',
    file: src('index/matcher-plan.ts'),
    text: 'const lists = literals.flatMap(',
    instead: 'const lists = literals.slice(0, 1).flatMap(',
    caughtBy: [by('index/matcher-plan.fuzz.test.ts')],
  },
  {
    name: 'prefix-taken-for-a-match',
    what: 'whatever begins as a regex does is taken for what it matches',
    file: src('index/matcher-plan.ts'),
    text: 'value.startsWith(matcher.prefix) && matcher.matches(value)',
    instead: 'value.startsWith(matcher.prefix)',
    caughtBy: [by('index/matcher-plan.fuzz.test.ts')],
  },
  {
    name: 'absent-label-is-no-match',
    what: 'series that lack a label are not found by a matcher that wants it absent',
    file: src('index/matcher-plan.ts'),
    text: "if (values === undefined && matcher.matches('')) continue;",
    instead: 'if (values === undefined) return [];',
    caughtBy: [by('index/matcher-plan.fuzz.test.ts')],
  },
  {
    name: 'intersection-skips-the-last',
    what: 'what two lists of series have in common at their end is not found',
    file: src('index/postings.ts'),
    text: 'while (i < short.length && j < long.length) {',
    instead: 'while (i < short.length - 1 && j < long.length) {',
    caughtBy: [by('index/matcher-plan.fuzz.test.ts')],
  },
  {
    name: 'gallop-skips-the-last',
    what: 'the last of a list is not found where the other list is far longer',
    file: src('index/postings.ts'),
    text: 'from = lowerBound(long, ref, from);\n      if (long[from] === ref)',
    instead: 'from = lowerBound(long, ref, from);\n      if (long[from] === ref && from < long.length - 1)',
    caughtBy: [by('index/set-operations.test.ts', { SEED: '1' })],
  },
  {
    name: 'union-repeats',
    what: 'a series that two values of a label name is found twice',
    file: src('index/postings.ts'),
    text: 'if (i === 0 || all[i] !== all[i - 1]) out.push',
    instead: 'out.push',
    caughtBy: [by('index/set-operations.test.ts', { SEED: '1' })],
  },
  {
    name: 'range-takes-its-end',
    what: 'a select takes the sample at the open end of its range',
    file: src('read/merge.ts'),
    text: 'if (time < startMs || time >= endMs) continue;',
    instead: 'if (time < startMs || time > endMs) continue;',
    caughtBy: [by('read/merge.test.ts', { SEED: '1' })],
  },
  {
    name: 'chunk-at-the-start-missed',
    what: 'a chunk whose last sample is the first of the range is not read',
    file: src('shard/shard-read.ts'),
    text: 'if (minMs >= range.endMs || maxMs < range.startMs) continue;',
    instead: 'if (minMs >= range.endMs || maxMs <= range.startMs) continue;',
    caughtBy: [by('range-boundaries.test.ts')],
  },
];
