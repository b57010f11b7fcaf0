import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { ByteWriter } from '@tidemark/base';
import { expect, test } from 'vitest';
import { decodeLabels } from '../labels.ts';
import { ExpositionReader } from './text.ts';

// Whole pages as real programs write them, every value against a reader of a few obvious lines. The pages are Prometheus' own
// and no part of this repository: they are looked for in the folder that holds the checks shared by several checkouts.
const SHARED = new URL('../../../../../shared/conformance/exposition/', import.meta.url);

interface Line {
  readonly series: string;
  readonly value: number;
  readonly timestamp: number | undefined;
}

/** One regular expression a line; knows nothing of what the product knows. */
function naively(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const match =
        /^([A-Za-z_:][\w:]*)\s*(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)(?:\s+(-?[\d.e+]+))?(?:\s+#.*)?\s*$/.exec(
          line,
        );
      if (!match) throw new Error(`the naive reader does not understand ${line}`);
      const [, name = '', labels = '', value = '', timestamp] = match;
      const pairs: [string, string][] = [...labels.matchAll(/(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"/g)].map(
        ([, key = '', text = '']) => [key, text.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))],
      );
      const number = value === '+Inf' || value === 'Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value);
      return {
        series: JSON.stringify([['__name__', name], ...pairs.filter(([, text]) => text !== '')].sort()),
        value: number,
        timestamp: timestamp === undefined ? undefined : Number(timestamp),
      };
    });
}

function read(bytes: Uint8Array, openMetrics: boolean): Line[] {
  const reader = new ExpositionReader(bytes, { openMetrics });
  const labels = new ByteWriter(256);
  const lines: Line[] = [];
  while (reader.next()) {
    labels.reset();
    reader.writeLabels(labels);
    const pairs = decodeLabels(labels.finish()).map(({ name, value }) => [name, value]);
    lines.push({
      series: JSON.stringify(pairs.sort()),
      value: reader.value,
      timestamp: Number.isNaN(reader.timestampMs) ? undefined : reader.timestampMs / (openMetrics ? 1000 : 1),
    });
  }
  return lines;
}

test('pages of real programs: every series and every value', ({ annotate }) => {
  if (!existsSync(SHARED)) return void annotate(`no ${SHARED.pathname}: nothing was read`);
  let samples = 0;
  for (const folder of ['prometheus', 'promtool']) {
    for (const name of readdirSync(new URL(`${folder}/`, SHARED))) {
      // Dumps in forms of promtool's own.
      if (/^dump-(series|test)/.test(name)) continue;
      const page = readFileSync(new URL(`${folder}/${name}`, SHARED));
      const text = page.toString('utf8');
      // A page that ends as OpenMetrics has it is one; others are read as the older text.
      const lines = read(page, text.trimEnd().endsWith('# EOF'));
      expect(lines, name).toEqual(naively(text));
      samples += lines.length;
    }
  }
  expect(samples).toBeGreaterThan(1000);
});
