import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { assert } from '@tidemark/base';
import { type Labels, labelsOf } from '@tidemark/model';

// An hour of a real host: node_exporter 1.5 of a small Linux machine (2 cores, a virtual one), scraped every 10 s by curl while
// builds and tests ran on it. testdata/host-hour.br, compressed with brotli:
//
//   line 1    when each scrape was there, ms: the first since the epoch, the others since the one before
//   line n    labels as JSON | tab | a value a scrape, a blank between: nothing where it is that of the scrape before, - where the
//             series was not there

const FILE = join(import.meta.dirname, '../../testdata/host-hour.br');

export interface RecordedSeries {
  readonly labels: Labels;
  /** By scrape; undefined where the series was not there. */
  readonly values: readonly (number | undefined)[];
}

export interface RecordedHost {
  readonly timesMs: readonly number[];
  readonly series: readonly RecordedSeries[];
}

export function recordedHost(): RecordedHost {
  const [times = '', ...lines] = brotliDecompressSync(readFileSync(FILE))
    .toString('utf8')
    .replace(/\n$/, '')
    .split('\n');
  let atMs = 0;
  const timesMs = times.split(' ').map((distance) => {
    atMs += Number(distance);
    return atMs;
  });
  return { timesMs, series: lines.map((line) => recordedSeries(line, timesMs.length)) };
}

function recordedSeries(line: string, scrapes: number): RecordedSeries {
  const [labels = '{}', shown = ''] = line.split('\t');
  const values: (number | undefined)[] = [];
  for (const text of shown.split(' '))
    values.push(text === '' ? values.at(-1) : text === '-' ? undefined : Number(text));
  assert(values.length === scrapes, `${labels} has a value a scrape`);
  return { labels: labelsOf(JSON.parse(labels) as Record<string, string>), values };
}
