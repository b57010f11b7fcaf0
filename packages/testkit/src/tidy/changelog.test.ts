import { expect, test } from 'vitest';
import { filesOfRepository, textOf } from './repository.ts';

// The changelog is for people who run Tidemark: every line says what kind of change it is, so that someone who upgrades
// can look for [CHANGE] and [SECURITY] alone.

const TAGS = ['CHANGE', 'FEATURE', 'ENHANCEMENT', 'PERF', 'BUGFIX', 'SECURITY'];
const ENTRY = new RegExp(`^- \\[(${TAGS.join('|')})\\] \\S.*$`);
const BULLET = /^([-*+]|\d+\.) /;

function strangeLines(changelog: string): string[] {
  return changelog.split('\n').filter((line) => BULLET.test(line) && !ENTRY.test(line));
}

test('every entry begins with a known tag', () => {
  expect(filesOfRepository()).toContain('CHANGELOG.md');
  expect(strangeLines(textOf('CHANGELOG.md'))).toEqual([]);
});

test('an entry without a tag, or with another, is found', () => {
  expect(
    strangeLines('# Changelog\n\n- [FEATURE] good\n  goes on\n- bad\n- [MISC] worse\n* [BUGFIX] other bullet'),
  ).toEqual(['- bad', '- [MISC] worse', '* [BUGFIX] other bullet']);
});
