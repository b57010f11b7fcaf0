import { isTidemarkError } from '@tidemark/base';
import { describe, expect, test } from 'vitest';
import { runScript } from './run-script.ts';

const DATA = `
load 1m
  m{a="1"} 1 2 3
  m{a="2"} 4 5 6
  native   {{schema:0 count:1}}
`;

async function verdict(evaluation: string): Promise<string> {
  const [outcome] = await runScript(`${DATA}\n${evaluation}\n`);
  return `${outcome?.verdict} ${outcome?.reason}`.trim();
}

describe('a script that is wrong about its answer does not pass', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['another value', 'eval instant at 0 sum(m)\n  {} 5.1', /expected 5.1, came 5/],
    ['a value a little off', 'eval instant at 0 sum(m)\n  {} 5.0001', /expected 5.0001, came 5/],
    ['a missing series', 'eval instant at 0 m\n  m{a="1"} 1', /unexpected .*a="2"/],
    ['a series too many', 'eval instant at 0 m{a="1"}\n  m{a="1"} 1\n  m{a="3"} 1', /missing .*a="3"/],
    ['another label', 'eval instant at 0 m{a="1"}\n  m{a="1", b="2"} 1', /missing/],
    ['nothing expected', 'eval instant at 0 sum(m)', /unexpected \{\} 5/],
    ['something expected', 'eval instant at 0 sum(none)\n  {} 5', /missing \{\}; came nothing/],
    ['a gap in a range', 'eval range from 0 to 2m step 1m sum(m)\n  {} 5 _ 9', /place 1 expected none, came 7/],
    ['a place too many', 'eval range from 0 to 2m step 1m sum(m)\n  {} 5 7 9 9', /place 3 expected 9, came none/],
    ['another order', 'eval instant at 0 sort_desc(m)\n  expect ordered\n  m{a="1"} 1\n  m{a="2"} 4', /out of order/],
    ['another scalar', 'eval instant at 0 1 + 1\n  3', /expected 3, came 2/],
    ['another string', 'eval instant at 0 "a"\n  expect string "b"', /came the string "a"/],
    ['no failure', 'eval instant at 0 sum(m)\n  expect fail', /should have failed/],
    [
      'another failure',
      'eval instant at 0 m + on () m\n  expect fail msg: something else',
      /failed with: found duplicate/,
    ],
    ['a failure', 'eval instant at 0 m + on () m', /PROMQL_EXECUTION: found duplicate/],
    ['another count of a histogram', 'eval instant at 0 native\n  native {{schema:0 count:2}}', /count:2.*count:1/],
    ['another schema', 'eval instant at 0 native\n  native {{schema:1 count:1}}', /schema 1.*schema 0/],
    ['a bucket too many', 'eval instant at 0 native\n  native {{schema:0 count:1 buckets:[1]}}', /\(0.5,1\]:1/],
    ['another hint', 'eval instant at 0 native\n  native {{count:1 counter_reset_hint:gauge}}', /gauge.*unknown/],
    ['a number', 'eval instant at 0 native\n  native 1', /expected 1, came \{count:1, sum:0\}/],
    ['a histogram', 'eval instant at 0 sum(m)\n  {} {{count:1}}', /expected \{count:1.*came 5/],
    ['a missing warning', 'eval instant at 0 sum(m)\n  expect warn\n  {} 5', /missing warn/],
    [
      'another warning',
      'eval instant at 0 quantile(2, m)\n  expect warn msg: x\n  {} +Inf',
      /missing warn: x; came: PromQL/,
    ],
    ['an unwanted warning', 'eval instant at 0 quantile(2, m)\n  expect no_warn\n  {} +Inf', /unexpected warning/],
    ['an unwanted info', 'eval instant at 2m count(rate(m[5m]))\n  expect no_info\n  {} 2', /unexpected info/],
    [
      'other points',
      'eval instant at 1m m{a="1"}[2m]\n  expect range vector from 0 to 1m step 1m\n  m{a="1"} 1 3',
      /place 1/,
    ],
  ];
  for (const [caption, evaluation, reason] of cases) {
    test(caption, async () => {
      expect(await verdict(evaluation)).toMatch(new RegExp(`^wrong .*${reason.source}`));
    });
  }
});

test('a query that meets start timestamps is refused, not answered', async () => {
  const [outcome] = await runScript('load 1m\n  m@st -30s\n  m 1\n\neval instant at 0 sum(m)\n');
  expect(outcome).toMatchObject({ verdict: 'unsupported', reason: 'reading start timestamps is not supported yet' });
});

test('what is right passes', async () => {
  expect(await verdict('eval instant at 0 sum(m)\n  {} 5')).toBe('pass');
  expect(await verdict('eval range from 0 to 2m step 1m sum(m)\n  {} 5+2x2')).toBe('pass');
  expect(await verdict('eval_fail instant at 0 m + on () m')).toBe('pass');
});

describe('a script that cannot be read names the line', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['load 1m\n  m{a="1} 1', /line 2: cannot read labels/],
    ['load 1m\n  m 1 two', /line 2: cannot read the point two/],
    ['load soon\n  m 1', /line 1: cannot read the time soon/],
    ['\nsomething else', /line 2: cannot read the command/],
    ['eval instant at 0 m\n  expect wonders', /line 2: cannot read the expectation wonders/],
    ['load 1m\n  m {{count:one}}', /line 2: cannot read the point/],
    ['load 1m\n  m {{count:1 wonders:2}}', /line 2: cannot read the point/],
    ['load 1m\n  m {{}}+{{schema:-53}}x2', /line 2: the histograms of .* do not fit/],
    ['load 1m\n  m 1x99999999999', /line 2: more than 1000000 points/],
  ];
  for (const [script, message] of cases) {
    test(message.source, async () => {
      const error = await runScript(script).catch((caught: unknown) => caught);
      expect(isTidemarkError(error, 'PROMQL_SCRIPT')).toBe(true);
      expect(String(error)).toMatch(message);
    });
  }
});
