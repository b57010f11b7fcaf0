// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of relabel rules are written so.
import { isTidemarkError } from '@tidemark/base';
import { expect, test } from 'vitest';
import { relabel } from './apply.ts';
import { type RelabelSpec, relabelRule } from './rule.ts';

function run(labels: Record<string, string>, ...specs: RelabelSpec[]): Record<string, string> | 'dropped' {
  const map = new Map(Object.entries(labels));
  return relabel(map, specs.map(relabelRule)) ? Object.fromEntries(map) : 'dropped';
}

const FOO = { a: 'foo', b: 'bar', c: 'baz' };

test.each<[string, RelabelSpec[], Record<string, string> | 'dropped']>([
  ['replace copies by default', [{ sourceLabels: ['a'], targetLabel: 'd' }], { ...FOO, d: 'foo' }],
  [
    'groups are filled in',
    [{ sourceLabels: ['a'], regex: 'f(.*)', targetLabel: 'd', replacement: 'ch${1}-ch${1}' }],
    { ...FOO, d: 'choo-choo' },
  ],
  [
    'sources are joined, then rules go on with what the last one made',
    [
      { sourceLabels: ['a', 'b'], regex: 'f(.*);(.*)r', targetLabel: 'a', replacement: 'b${1}${2}m' },
      { sourceLabels: ['c', 'a'], regex: '(b).*b(.*)ba(.*)', targetLabel: 'd', replacement: '$1$2$2$3' },
    ],
    { ...FOO, a: 'boobam', d: 'boooom' },
  ],
  ['the regex is anchored', [{ sourceLabels: ['a'], regex: 'o', targetLabel: 'd', replacement: 'x' }], FOO],
  ['a dot matches a newline', [{ sourceLabels: ['n'], regex: 'x(.)y', targetLabel: 'd' }], FOO],
  [
    'an empty replacement removes',
    [{ sourceLabels: ['a'], targetLabel: 'b', replacement: '' }],
    { a: 'foo', c: 'baz' },
  ],
  ['no match leaves the target', [{ sourceLabels: ['a'], regex: 'no', targetLabel: 'b', replacement: 'x' }], FOO],
  [
    'another separator',
    [{ sourceLabels: ['a', 'b'], separator: '/', regex: '(.*)/(.*)', targetLabel: 'd', replacement: '$2:$1' }],
    { ...FOO, d: 'bar:foo' },
  ],
  [
    'the target is a template',
    [{ sourceLabels: ['a'], regex: '(f)(.*)', targetLabel: '${2}_x', replacement: '$1' }],
    { ...FOO, oo_x: 'f' },
  ],
  [
    'a target that is no name: nothing happens',
    [{ sourceLabels: ['a'], regex: '(f)', targetLabel: '${1}', replacement: 'x' }],
    FOO,
  ],
  [
    'named groups, $$, groups that do not exist, a dollar alone',
    [{ sourceLabels: ['a'], regex: '(?P<head>f)(.*)', targetLabel: 'd', replacement: '${head}$$[$9]$-$headless.' }],
    { ...FOO, d: 'f$[]$-.' },
  ],
  ['drop', [{ sourceLabels: ['a'], regex: 'f.*', action: 'drop' }], 'dropped'],
  ['drop what does not match: kept', [{ sourceLabels: ['a'], regex: 'f', action: 'drop' }], FOO],
  ['keep', [{ sourceLabels: ['a'], regex: 'f.*', action: 'keep' }], FOO],
  ['keep what does not match: dropped', [{ sourceLabels: ['a'], regex: 'f', action: 'keep' }], 'dropped'],
  ['a label that is not there is empty', [{ sourceLabels: ['z'], regex: '', action: 'keep' }], FOO],
  [
    'hashmod, the value Prometheus computes',
    [{ sourceLabels: ['c'], targetLabel: 'd', action: 'hashmod', modulus: 1000 }],
    { ...FOO, d: '976' },
  ],
  ['labelmap', [{ regex: '(b|c)', replacement: 'my_$1', action: 'labelmap' }], { ...FOO, my_b: 'bar', my_c: 'baz' }],
  ['labeldrop', [{ regex: '(b.*)', action: 'labeldrop' }], { a: 'foo', c: 'baz' }],
  ['labelkeep', [{ regex: '(b.*)', action: 'labelkeep' }], { b: 'bar' }],
  [
    'uppercase and lowercase; actions in any case',
    [
      { sourceLabels: ['a'], targetLabel: 'a', action: 'Uppercase' },
      { sourceLabels: ['a'], targetLabel: 'b', action: 'lowercase' },
    ],
    { a: 'FOO', b: 'foo', c: 'baz' },
  ],
  ['keepequal', [{ sourceLabels: ['a'], targetLabel: 'b', action: 'keepequal' }], 'dropped'],
  ['dropequal', [{ sourceLabels: ['a'], targetLabel: 'b', action: 'dropequal' }], FOO],
  ['dropequal of equals', [{ sourceLabels: ['a'], targetLabel: 'a', action: 'dropequal' }], 'dropped'],
])('%s', (_caption, specs, expected) => {
  expect(run(FOO, ...specs)).toEqual(expected);
});

test('names of labels that are names of things in JavaScript are only names', () => {
  const map = new Map([['__proto__', 'x']]);
  expect(relabel(map, [relabelRule({ sourceLabels: ['__proto__'], targetLabel: 'constructor' })])).toBe(true);
  expect([...map]).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'x'],
  ]);
});

test.each<[RelabelSpec, string, string]>([
  [{ action: 'rename' }, 'action', 'is no relabel action'],
  [{ sourceLabels: ['a'] }, 'target_label', 'replace needs a target_label'],
  [{ targetLabel: 'a-b' }, 'target_label', '"a-b" is no label name'],
  [{ action: 'hashmod', targetLabel: 'a' }, 'modulus', 'a whole number above 0'],
  [{ action: 'hashmod', targetLabel: '${1}', modulus: 2 }, 'target_label', 'is no label name'],
  [{ action: 'labelmap', replacement: 'a-$1' }, 'replacement', 'makes no label name'],
  [{ action: 'labeldrop', sourceLabels: ['a'], regex: 'x' }, 'source_labels', 'labeldrop takes no source_labels'],
  [{ action: 'keepequal', targetLabel: 'a', regex: 'x' }, 'regex', 'keepequal takes no regex'],
  [{ action: 'lowercase', targetLabel: 'a', replacement: 'x' }, 'replacement', 'lowercase takes no replacement'],
  [{ targetLabel: 'a', regex: '(' }, 'regex', 'is invalid'],
  [{ targetLabel: 'a', regex: '(?=x)' }, 'regex', 'is invalid'],
])('%j is refused at %s', (spec, field, words) => {
  try {
    relabelRule(spec);
  } catch (error) {
    if (!isTidemarkError(error, 'RELABEL_INVALID')) throw error;
    expect(error.details['field']).toBe(field);
    expect(error.message).toContain(words);
    return;
  }
  expect.unreachable('it was accepted');
});

test('parts that an action does not use are accepted at their defaults', () => {
  expect(relabelRule({ action: 'labeldrop', regex: 'x', separator: ';', replacement: '$1', modulus: 0 }).action).toBe(
    'labeldrop',
  );
});
