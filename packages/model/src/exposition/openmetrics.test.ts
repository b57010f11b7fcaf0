import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isTidemarkError } from '@tidemark/base';
import { expect, test } from 'vitest';
import { checkOpenMetrics } from './openmetrics-check.ts';
import { parseExposition } from './text.ts';

// OpenMetrics 1.0 read two ways: to the letter (openmetrics-check.ts), and as Prometheus takes it (text.ts).

function verdict(read: () => void): string {
  try {
    read();
  } catch (error) {
    if (isTidemarkError(error, 'EXPOSITION_MALFORMED')) return error.message;
    throw error;
  }
  return 'fine';
}
const strictly = (page: Uint8Array) => verdict(() => checkOpenMetrics(page));
const laxly = (page: Uint8Array) =>
  verdict(() => void parseExposition(page, { tenant: 'default', nowMs: 0, openMetrics: true }));

test.each<[string, string]>([
  ['', 'fine'],
  ['# TYPE a counter\na_total 1 # {t="x"} 1 1\na_created 1.5\n', 'fine'],
  ['# TYPE a_s gauge\n# UNIT a_s s\na_s{x="\\"\\\\\\n"} +Inf 1.5\n', 'fine'],
  ['# TYPE a histogram\na_bucket{le="1"} 1\na_bucket{le="+Inf"} 2\na_count 2\na_sum 3\n', 'fine'],
  ['a 1\n\n', 'line 2: a line is empty'],
  ['a  1\n', 'line 1: a number as the value is missing at " 1"'],
  ['a 1 \n', 'line 1: a finite number of seconds as the timestamp is missing at ""'],
  ['a{x="1",} 1\n', 'line 1: label="value" is missing at "} 1"'],
  ['# TYPE a counter\na 1\n', 'line 3: a belongs to another family too'],
  ['# TYPE a counter\na_total -1\n', 'line 2: a_total cannot be -1'],
  ['# TYPE a gauge\na 1\n# HELP a x\n', 'line 3: # HELP of a stands behind its samples'],
  ['# TYPE a histogram\na_bucket{le="1"} 1\n', 'line 3: a has no bucket +Inf'],
  ['# TYPE a gauge\na 1 2\na 1 1\n', 'line 3: timestamps of a fall'],
  ['a 1\na 2\n', 'line 2: a{} stands twice'],
  ['a{x="1"} 1\na{x="2"} 1\na{x="1"} 1\n', 'line 3: samples of a{"x"="1"} do not stand together'],
])('%j to the letter: %s', (page, expected) => {
  expect(strictly(Buffer.from(`${page}# EOF\n`))).toBe(expected);
});

test('any cut of a page, and any flipped bit, is fine or refused with a line', () => {
  const page = Buffer.from(
    '# TYPE a histogram\na_bucket{le="1",x="ü"} 1 # {t="y"} 1\na_bucket{le="+Inf",x="ü"} 2\n# EOF\n',
  );
  expect(strictly(page)).toBe('fine');
  for (let cut = 0; cut < page.length - 1; cut++) expect(strictly(page.subarray(0, cut))).toMatch(/^line \d+: /);
  for (let bit = 0; bit < page.length * 8; bit++) {
    const bent = Buffer.from(page);
    bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(strictly(bent)).toMatch(/^fine$|^line \d+: /);
  }
});

// Cases of the OpenMetrics project, a folder each with the page and whether it should parse. They are no part of this
// repository: they are looked for in the folder that holds the checks shared by several checkouts.
const CASES = new URL('../../../../../shared/conformance/exposition/openmetrics/', import.meta.url);

interface Case {
  readonly name: string;
  readonly page: Uint8Array;
  readonly shouldParse: boolean;
}

function cases(): readonly Case[] {
  return readdirSync(CASES).map((name) => {
    const { file, shouldParse } = JSON.parse(readFileSync(new URL(`${name}/test.json`, CASES), 'utf8')) as {
      file: string;
      shouldParse: boolean;
    };
    return { name, page: readFileSync(new URL(`${name}/${file}`, CASES)), shouldParse };
  });
}

test('to the letter, the verdicts of all cases are those of the OpenMetrics project', ({ annotate }) => {
  if (!existsSync(CASES)) return void annotate(`no ${CASES.pathname}: nothing was read`);
  const all = cases();
  expect(all.length).toBe(211);
  const wrong = all.flatMap(({ name, page, shouldParse }) => {
    const said = strictly(page);
    return (said === 'fine') === shouldParse ? [] : [`${name}: ${said}`];
  });
  expect(wrong).toEqual([]);
});

test('as Prometheus takes it, every good page is read, and so are bad ones that can be understood', ({ annotate }) => {
  if (!existsSync(CASES)) return void annotate(`no ${CASES.pathname}: nothing was read`);
  const read = cases().filter(({ page }) => laxly(page) === 'fine');
  expect({
    good: read.filter(({ shouldParse }) => shouldParse).length,
    bad: read.filter(({ shouldParse }) => !shouldParse).length,
  }).toEqual({ good: 44, bad: 109 });
});
