import { ByteWriter } from '@tidemark/base';
import { message, snappyBlock, writeSample, writeSeries } from '@tidemark/ingest/testing';
import type { Fleet } from '@tidemark/testkit';

// remote_write bodies as Prometheus would send them: compressed, so many samples each, one sample a series. Labels of a series
// are written once and kept: making a body must not cost more than taking it in.

export interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly samples: number;
}

/** By fleet, the labels of each series, as they stand in its TimeSeries message. */
const labelFields = new WeakMap<Fleet, Uint8Array[]>();

/** One round of the fleet (every host once), cut into requests of about `samplesPerRequest`. */
export function* roundOfBodies(fleet: Fleet, hosts: number, samplesPerRequest: number): Generator<Body> {
  const labels = labelsOf(fleet);
  const request = new ByteWriter(samplesPerRequest * 256);
  let samples = 0;
  for (let i = 0; i < hosts; i++) {
    const { firstSeries, timestampMs, values } = fleet.next();
    for (let k = 0; k < values.length; k++) {
      const sample = writeSample({ timestampMs, value: values[k] as number });
      const fields = labels[firstSeries + k] as Uint8Array;
      // TimeSeries is field 1 of the request, a Sample, below 128 bytes, field 2 of that.
      request.uvarint(0x0a);
      request.uvarint(fields.length + 2 + sample.length);
      request.raw(fields);
      message(request, 2, sample);
      samples++;
    }
    if (samples >= samplesPerRequest || i === hosts - 1) {
      yield { bytes: new Uint8Array(snappyBlock(request.view())), samples };
      request.reset();
      samples = 0;
    }
  }
}

function labelsOf(fleet: Fleet): Uint8Array[] {
  let fields = labelFields.get(fleet);
  if (fields === undefined) {
    fields = fleet.series.map(({ labels }) =>
      writeSeries({ labels: labels.map(({ name, value }) => [name, value] as const), samples: [] }),
    );
    labelFields.set(fleet, fields);
  }
  return fields;
}
