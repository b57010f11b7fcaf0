import { ByteReader, ByteWriter, bytesEqual } from '@tidemark/base';
import { pack, unpack } from '../batch/packing.ts';
import { decodeSeries, encodeSeries } from '../batch/series-codec.ts';
import type { SeriesSection } from '../batch/series-section.ts';
import { compareUtf8, type Label, type Labels } from '../labels.ts';
import { malformedAnswer } from './frame.ts';

// Labels of series in a part, as in a batch: each one's canonical bytes as what differs from the series before it.
//
//   part   := packed (count uvarint | length uvarint | entry* types units starts | what the kind of part adds)
//   series := a part that adds nothing
//
// Neighbours have most labels in common. Those are neither made into bytes nor into text again: that would cost more than all
// the rest of a series.

/** Begins a part: its series. */
export function beginPart(writer: ByteWriter, series: readonly Labels[]): void {
  const section: SeriesSection = {
    count: series.length,
    ...canonicalBytes(series),
    types: new Uint8Array(series.length),
    units: undefined,
    startTimesMs: undefined,
  };
  writer.uvarint(series.length);
  writer.lengthPrefixed(encodeSeries(section));
}

export function endPart(writer: ByteWriter): Uint8Array {
  return pack(writer.view());
}

function canonicalBytes(series: readonly Labels[]): Pick<SeriesSection, 'labelBytes' | 'labelEnds'> {
  const writer = new ByteWriter(series.length * 128);
  const labelEnds = new Uint32Array(series.length);
  let last: Labels = [];
  /** Where each label of the last series begins, and the last of them ends. */
  let lastAt: number[] = [0];
  for (const [i, labels] of series.entries()) {
    const at: number[] = [writer.length];
    for (const [k, label] of labels.entries()) {
      const known = last[k];
      if (known !== undefined && known.name === label.name && known.value === label.value) {
        const [start, end] = [lastAt[k] as number, lastAt[k + 1] as number];
        writer.reserve(end - start);
        writer.bytes.copyWithin(writer.length, start, end);
        writer.length += end - start;
      } else {
        writer.text(label.name);
        writer.text(label.value);
      }
      at.push(writer.length);
    }
    labelEnds[i] = writer.length;
    last = labels;
    lastAt = at;
  }
  return { labelBytes: writer.view(), labelEnds };
}

export interface OpenPart {
  readonly reader: ByteReader;
  readonly series: readonly Labels[];
}

/** Throws `BATCH_MALFORMED`, `BYTES_MALFORMED`, `READ_ANSWER_MALFORMED`, what zlib throws. */
export function openPart(body: Uint8Array): OpenPart {
  const reader = new ByteReader(unpack(body));
  const count = reader.uvarint();
  const { labelBytes, labelEnds } = decodeSeries(reader.lengthPrefixed(), count);
  return { reader, series: readLabels(labelBytes, labelEnds) };
}

function readLabels(bytes: Uint8Array, ends: Uint32Array): Labels[] {
  const series: Labels[] = [];
  let last: Label[] = [];
  let lastAt: number[] = [0];
  let start = 0;
  for (const end of ends) {
    const reader = new ByteReader(bytes, start, end);
    const labels: Label[] = [];
    const at: number[] = [start];
    while (reader.left > 0) {
      const from = reader.at;
      reader.lengthPrefixed();
      reader.lengthPrefixed();
      const k = labels.length;
      const known = last[k];
      const isKnown =
        known !== undefined && bytesEqual(bytes, lastAt[k] as number, lastAt[k + 1] as number, bytes, from, reader.at);
      const label = isKnown ? known : readLabel(bytes, from, reader.at);
      const before = labels[k - 1];
      if (label.value === '' || (before && compareUtf8(before.name, label.name) >= 0)) {
        throw malformedAnswer(`label ${JSON.stringify(label.name)} is empty, repeated or out of order`);
      }
      labels.push(label);
      at.push(reader.at);
    }
    series.push(labels);
    last = labels;
    lastAt = at;
    start = end;
  }
  return series;
}

function readLabel(bytes: Uint8Array, from: number, to: number): Label {
  const reader = new ByteReader(bytes, from, to);
  return { name: reader.text(), value: reader.text() };
}
