import { ByteWriter, seededRandom } from '@tidemark/base';
import { encodeLabels, labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { mergeLabels } from './merge-labels.ts';

function merge(exposed: Record<string, string>, target: Record<string, string>): Uint8Array | undefined {
  const own = encodeLabels(labelsOf(exposed));
  const out = new ByteWriter(1);
  return mergeLabels(own, own.length, encodeLabels(labelsOf(target)), out) ? out.finish() : undefined;
}

test.each([
  [{}, {}],
  [{ a: '1' }, {}],
  [{}, { a: '1' }],
  [
    { __name__: 'm', b: '2', d: '4' },
    { a: '1', c: '3', e: '5' },
  ],
  [
    { a: '1', b: '2' },
    { job: 'j', instance: 'i' },
  ],
  [{ ab: '1' }, { a: '2', abc: '3' }],
  [{ a: 'ü'.repeat(200) }, { ['b'.repeat(300)]: 'x' }],
])('%j and %j are what text makes of them', (exposed, target) => {
  expect(merge(exposed, target)).toEqual(encodeLabels(labelsOf({ ...exposed, ...target })));
});

test('a name in both, or an empty value, needs more than weaving', () => {
  expect(merge({ job: 'x' }, { job: 'y' })).toBeUndefined();
  const own = new ByteWriter(16);
  own.text('a');
  own.text('');
  expect(mergeLabels(own.bytes, own.length, encodeLabels(labelsOf({ b: '1' })), new ByteWriter(16))).toBe(false);
});

test('random labels, woven, are canonical', () => {
  const seed = 5; // replay: the same number here
  const random = seededRandom(seed);
  for (let i = 0; i < 2000; i++) {
    const exposed: Record<string, string> = {};
    const target: Record<string, string> = {};
    for (let k = random.below(6); k > 0; k--) exposed[`l${random.below(30)}`] = `v${random.below(1000)}`;
    for (let k = random.below(6); k > 0; k--) target[`l${random.below(30)}`] = `v${random.below(1000)}`;
    const clashes = Object.keys(exposed).some((name) => Object.hasOwn(target, name));
    expect(merge(exposed, target), `seed ${seed} round ${i}`).toEqual(
      clashes ? undefined : encodeLabels(labelsOf({ ...exposed, ...target })),
    );
  }
});
