// Prometheus' text exposition, as far as the server's own metrics need it:
//
//   # HELP ...                             skipped
//   name{label="value",other="a\"b"} 12.5  a sample; a timestamp behind it is ignored
//
// A line that is none of these is skipped: the page shows what it can.

import { readValue } from '../api/number.ts';
import type { Labels } from '../api/types.ts';

export interface OwnSample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+([+-]?(?:Inf|[\d.]+(?:[eE][+-]?\d+)?)|NaN)(?:\s|$)/;
const pair = /([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"/g;
const escapes: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

function labelsOf(text: string): Labels {
  const found: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(pair)) {
    found[name] = value.replace(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
  }
  return found;
}

export function parseExposition(text: string): OwnSample[] {
  return text.split('\n').flatMap((row) => {
    const parts = row.startsWith('#') ? null : line.exec(row);
    if (parts === null) return [];
    return [{ name: parts[1] as string, labels: labelsOf(parts[2] ?? ''), value: readValue(parts[3] as string) }];
  });
}

/** The sum of a metric's series that pass; undefined when there is no such metric. */
export function sumOf(
  samples: readonly OwnSample[],
  name: string,
  passes: (labels: Labels) => boolean = () => true,
): number | undefined {
  const found = samples.filter((sample) => sample.name === name && passes(sample.labels));
  return found.length === 0 ? undefined : found.reduce((sum, sample) => sum + sample.value, 0);
}
