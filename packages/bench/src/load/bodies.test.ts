import { snappyBlock, writeRequest } from '@tidemark/ingest/testing';
import { Fleet } from '@tidemark/testkit';
import { expect, test } from 'vitest';
import { roundOfBodies } from './bodies.ts';

const HOSTS = 3;
const fleet = () => new Fleet({ seed: 1, hosts: HOSTS, startMs: 1_700_000_000_000, intervalMs: 10_000 });

test('bodies are the requests that a sender would write, round after round', () => {
  const sent = fleet();
  const model = fleet();
  for (let round = 0; round < 3; round++) {
    const bodies = [...roundOfBodies(sent, HOSTS, model.seriesPerHost * 2)];
    expect(bodies.map(({ samples }) => samples)).toEqual([model.seriesPerHost * 2, model.seriesPerHost]);
    for (const { bytes, samples } of bodies) {
      const series = [];
      for (let taken = 0; taken < samples; taken += model.seriesPerHost) {
        const { firstSeries, timestampMs, values } = model.next();
        for (const [k, value] of values.entries()) {
          const labels = (model.series[firstSeries + k]?.labels ?? []).map(({ name, value }) => [name, value] as const);
          series.push({ labels, samples: [{ timestampMs, value }] });
        }
      }
      expect(Buffer.from(bytes).equals(snappyBlock(writeRequest(series)))).toBe(true);
    }
  }
});
