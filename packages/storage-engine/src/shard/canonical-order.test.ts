import type { Random } from '@tidemark/base';
import { encodeLabels, labelsOf } from '@tidemark/model';
import { rounds, withSeed } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { SeriesRegistry } from '../series/registry.ts';
import { canonicalOrder } from './canonical-order.ts';

const METRICS = ['up', 'load', 'load1', '\uff5e', '\u{1f600}', ''];

test('series stand by tenant, then by the bytes of their metric, then by those of their labels, and none is lost', async () => {
  await withSeed('canonical order', (random: Random) => {
    for (let round = 0; round < rounds(20); round++) {
      const registry = new SeriesRegistry(10_000, { refuse: () => undefined });
      const keys = new Map<number, [string, Buffer, Buffer]>();
      for (let i = random.below(200); i >= 0; i--) {
        const tenant = ['b', 'a', 'ab'][random.below(3)] as string;
        const metric = METRICS[random.below(METRICS.length)] as string;
        const labels = labelsOf({ ...(metric && { __name__: metric }), host: `h${random.below(1000)}` });
        const bytes = encodeLabels(labels);
        const ref = registry.resolveOne(registry.tenantNamed(tenant), bytes, 0, bytes.length);
        keys.set(ref, [tenant, Buffer.from(metric), Buffer.from(bytes)]);
      }
      const expected = [...keys].sort(([, a], [, b]) => {
        if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
        return Buffer.compare(a[1], b[1]) || Buffer.compare(a[2], b[2]);
      });
      // In whatever order they are asked for.
      const asked = random.below(2) === 0 ? [...keys.keys()] : [...keys.keys()].reverse();
      expect([...canonicalOrder(registry, asked)]).toEqual(expected.map(([ref]) => ref));
    }
  });
});
