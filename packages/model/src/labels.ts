import { ByteReader, ByteWriter, compareBytes, TidemarkError } from '@tidemark/base';

// Labels, as text for people and as canonical bytes for machines.
//
//   labelBytes := label*                    sorted by name, as UTF-8 bytes (not as JavaScript strings: UTF-16 sorts
//   label      := nameLength uvarint | name | valueLength uvarint | value            differently above U+FFFF)
//
// A name stands once; a label with an empty value is the same as no label and is left out; the metric's name is the label
// `__name__`. Two label sets are equal iff their canonical bytes are. The length of the whole is kept outside.

export interface Label {
  readonly name: string;
  readonly value: string;
}

/** Sorted by the UTF-8 bytes of the name; names unique; no empty values. */
export type Labels = readonly Label[];

export const METRIC_NAME = '__name__';

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true });

/** Orders strings by their UTF-8 bytes, which is the order of their code points. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates (D800-DFFF) stand for code points above all others: move them past E000-FFFF.
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

/** Sorts, drops empty values. Throws `LABELS_DUPLICATE` when a name stands twice. */
export function labelsOf(pairs: Iterable<Label> | Readonly<Record<string, string>>): Labels {
  const list =
    Symbol.iterator in pairs
      ? [...(pairs as Iterable<Label>)]
      : Object.entries(pairs).map(([name, value]) => ({ name, value }));
  const kept = list.filter((label) => label.value !== '');
  kept.sort((a, b) => compareUtf8(a.name, b.name));
  for (let i = 1; i < kept.length; i++) {
    const name = (kept[i] as Label).name;
    if (name === (kept[i - 1] as Label).name) {
      throw new TidemarkError('LABELS_DUPLICATE', `the label ${JSON.stringify(name)} stands twice`, { name });
    }
  }
  return kept;
}

export function labelValue(labels: Labels, name: string): string {
  for (const label of labels) if (label.name === name) return label.value;
  return '';
}

/** Requires: sorted, as `labelsOf` returns them. */
export function encodeLabels(labels: Labels): Uint8Array {
  const writer = new ByteWriter(labels.length * 32);
  writeLabels(writer, labels);
  return writer.finish();
}

export function writeLabels(writer: ByteWriter, labels: Labels): void {
  for (const label of labels) {
    writer.lengthPrefixed(ENCODER.encode(label.name));
    writer.lengthPrefixed(ENCODER.encode(label.value));
  }
}

/** Reads canonical bytes. Throws `BYTES_MALFORMED`, `LABELS_NOT_CANONICAL`. */
export function decodeLabels(bytes: Uint8Array, start = 0, end: number = bytes.length): Labels {
  const reader = new ByteReader(bytes, start, end);
  const labels: Label[] = [];
  while (reader.left > 0) {
    const name = reader.text();
    const value = reader.text();
    const last = labels[labels.length - 1];
    if (value === '' || (last && compareUtf8(last.name, name) >= 0)) {
      throw new TidemarkError(
        'LABELS_NOT_CANONICAL',
        `label ${JSON.stringify(name)} is empty, repeated or out of order`,
        {
          name,
        },
      );
    }
    labels.push({ name, value });
  }
  return labels;
}

/**
 * Finds the value of `name` in canonical bytes without decoding the rest: writes its `[start, end)` into `into` and
 * returns whether it is there. Requires canonical bytes, checked where they came in.
 */
export function findLabelValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  name: Uint8Array,
  into: { start: number; end: number },
): boolean {
  let at = start;
  while (at < end) {
    let length = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = bytes[at++] as number;
      length |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    const nameStart = at;
    const nameEnd = at + length;
    at = nameEnd;
    length = 0;
    shift = 0;
    do {
      byte = bytes[at++] as number;
      length |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    if (compareBytes(bytes, nameStart, nameEnd, name, 0, name.length) === 0) {
      into.start = at;
      into.end = at + length;
      return true;
    }
    at += length;
  }
  return false;
}

const METRIC_BYTES = ENCODER.encode(METRIC_NAME);
const NO_BYTES = new Uint8Array(0);
const found = { start: 0, end: 0 };

/** The bytes of the metric's name in canonical bytes; none where it has no name. Requires as `findLabelValue`. */
export function metricBytesOf(bytes: Uint8Array, start = 0, end: number = bytes.length): Uint8Array {
  return findLabelValue(bytes, start, end, METRIC_BYTES, found) ? bytes.subarray(found.start, found.end) : NO_BYTES;
}

/** The same as text; '' where it has no name. */
export function metricNameOf(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return findLabelValue(bytes, start, end, METRIC_BYTES, found) ? decodeUtf8(bytes, found.start, found.end) : '';
}

/** `name{a="b", c="d"}` as PromQL writes it. */
export function formatLabels(labels: Labels): string {
  const name = labelValue(labels, METRIC_NAME);
  const rest = labels.filter((label) => label.name !== METRIC_NAME);
  if (rest.length === 0) return name === '' ? '{}' : name;
  return `${name}{${rest.map((label) => `${label.name}=${JSON.stringify(label.value)}`).join(', ')}}`;
}

export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  return DECODER.decode(bytes.subarray(start, end));
}
