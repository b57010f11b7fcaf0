import { encodeLabels, labelsOf } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { LabelPieces } from '../series/label-pieces.ts';
import { Postings } from './postings.ts';

test('postings are what was added, by text and by bytes', async () => {
  await withSeed('postings', (random) => {
    for (let round = 0; round < rounds(10); round++) {
      const postings = new Postings();
      const pieces = new LabelPieces();
      const told = new Map<string, Map<string, number[]>>();
      const values = 1 + random.below(400);
      for (let ref = 0; ref < 500; ref++) {
        const pairs: [string, string][] = ['__name__', 'a', 'ä', 'b', 'z'].flatMap((name) =>
          random.below(4) === 0 ? [] : [[name, `${['v', 'ü', '']}${random.below(values)}`]],
        );
        const bytes = encodeLabels(labelsOf(Object.fromEntries(pairs)));
        expect(pieces.read(bytes, 0, bytes.length)).toBe(true);
        postings.add(ref, bytes, pieces);
        for (const [name, value] of pairs) {
          const lists = told.get(name) ?? new Map<string, number[]>();
          lists.set(value, [...(lists.get(value) ?? []), ref]);
          told.set(name, lists);
        }
      }
      expect(postings.count).toBe(500);
      expect([...postings.names()].sort()).toEqual([...told.keys()].sort());
      for (const [name, lists] of told) {
        const of = postings.get(name);
        expect(of?.size).toBe(lists.size);
        expect([...(of?.values() ?? [])]).toEqual([...lists.keys()]);
        expect([...(of?.counts() ?? [])]).toEqual([...lists].map(([value, refs]) => [value, refs.length]));
        for (const [value, refs] of lists) expect(of?.refsOf(value)).toEqual(refs);
        expect(of?.has('nowhere')).toBe(false);
        expect(of?.refsOf('')).toBeUndefined();
      }
    }
  });
});

test('values added by text again and again stand once', () => {
  const postings = new Postings();
  const up = postings.of('up');
  for (const [ref, value] of ['a', 'a', 'b', 'a', 'a'].entries()) up.add(value, ref);
  expect([...up.counts()]).toEqual([
    ['a', 4],
    ['b', 1],
  ]);
  expect(up.refsOf('a')).toEqual([0, 1, 3, 4]);
});
