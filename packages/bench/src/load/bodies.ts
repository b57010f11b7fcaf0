import { type RequestSeries, snappyBlock, writeRequest } from '@tidemark/ingest/testing';
import type { Fleet } from '@tidemark/testkit';

// remote_write bodies as Prometheus would send them: compressed, so many samples each, one sample a series.

export interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly samples: number;
}

/** One round of the fleet (every host once), cut into requests of about `samplesPerRequest`. */
export function* roundOfBodies(fleet: Fleet, hosts: number, samplesPerRequest: number): Generator<Body> {
  let request: RequestSeries[] = [];
  for (let i = 0; i < hosts; i++) {
    const scrape = fleet.next();
    for (let k = 0; k < scrape.values.length; k++) {
      const series = fleet.series[scrape.firstSeries + k];
      request.push({
        labels: (series?.labels ?? []).map(({ name, value }) => [name, value] as const),
        samples: [{ timestampMs: scrape.timestampMs, value: scrape.values[k] as number }],
      });
    }
    if (request.length >= samplesPerRequest || i === hosts - 1) {
      yield { bytes: new Uint8Array(snappyBlock(writeRequest(request))), samples: request.length };
      request = [];
    }
  }
}
