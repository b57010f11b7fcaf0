import { seededRandom } from '@tidemark/base';
import { labelsOf } from '@tidemark/model';
import { expect, test } from 'vitest';
import { Silence } from './silence.ts';
import { SilenceIndex } from './silence-index.ts';

const silence = (id: string, name: string, value: string, isRegex: boolean, isEqual: boolean): Silence =>
  new Silence({
    tenant: 't',
    id,
    matchers: [{ name, value, isRegex, isEqual }],
    startsAt: 0,
    endsAt: 10,
    updatedAt: 0,
    createdBy: '',
    comment: '',
    annotations: [],
  });

test('what is remembered is what trying all of them finds, whatever came and went', () => {
  const random = seededRandom(7);
  const pick = <T>(list: readonly T[]) => list[random.below(list.length)] as T;
  const index = new SilenceIndex();
  const there = new Set<Silence>();
  const alerts = ['1', '2', '3', ''].flatMap((a) => ['1', '2'].map((b) => labelsOf({ a, b })));
  for (let step = 0; step < 400; step++) {
    if (random.below(3) > 0 || there.size === 0) {
      const made = silence(
        `${step}`,
        pick(['a', 'b']),
        pick(['1', '2', '1|2', '.+']),
        random.below(2) === 0,
        random.below(3) > 0,
      );
      index.add(made);
      there.add(made);
    } else {
      const gone = pick([...there]);
      index.delete(gone);
      there.delete(gone);
    }
    // Not all are asked at every step: some have to catch up with many changes.
    for (const labels of alerts.filter(() => random.below(3) === 0)) {
      const expected = [...there].filter((one) => one.matches(labels)).map(({ record }) => record.id);
      expect(index.activeFor(labels, 5)).toEqual(expected.sort());
      expect(index.activeFor(labels, 10)).toEqual([]);
    }
  }
});
