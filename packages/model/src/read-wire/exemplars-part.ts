import type { SelectedExemplars } from '../exemplar-source.ts';
import { type Label, labelsOf } from '../labels.ts';

// Exemplars of a part, as JSON. A value is text, for JSON has no word for some of them.
//
//   part     := [series, ...]
//   series   := [labels, [exemplar, ...]]
//   exemplar := [time ms, value, labels]
//   labels   := [name, value, name, value, ...]

type WrittenExemplar = readonly [timestampMs: number, value: string, labels: readonly string[]];
type WrittenSeries = readonly [labels: readonly string[], exemplars: readonly WrittenExemplar[]];

export function encodeExemplarsPart(series: readonly SelectedExemplars[]): Uint8Array {
  const written = series.map(
    ({ labels, exemplars }): WrittenSeries => [
      flat(labels),
      exemplars.map((one): WrittenExemplar => [one.timestampMs, textOf(one.value), flat(one.labels)]),
    ],
  );
  return Buffer.from(JSON.stringify(written), 'utf8');
}

/** Throws whatever reading what is no such part comes to. */
export function decodeExemplarsPart(body: Uint8Array): SelectedExemplars[] {
  const written = JSON.parse(Buffer.from(body).toString('utf8')) as readonly WrittenSeries[];
  return written.map(([labels, exemplars]) => ({
    labels: pairs(labels),
    exemplars: exemplars.map(([timestampMs, value, own]) => ({
      timestampMs,
      value: Number(value),
      labels: pairs(own),
    })),
  }));
}

function textOf(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function flat(labels: readonly Label[]): string[] {
  return labels.flatMap(({ name, value }) => [name, value]);
}

function pairs(texts: readonly string[]) {
  return labelsOf(
    Array.from({ length: texts.length / 2 }, (_, i) => ({
      name: texts[i * 2] as string,
      value: texts[i * 2 + 1] as string,
    })),
  );
}
