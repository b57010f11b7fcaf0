import { isTidemarkError } from '@tidemark/base';
import { formatLabels, sectionLabels } from '@tidemark/model';
import { expect, test } from 'vitest';
import { parseLines } from './seed-line.ts';

function parse(text: string | Uint8Array, onProblem?: (message: string) => void): string[] {
  const batch = parseLines(typeof text === 'string' ? Buffer.from(text) : text, {
    tenant: 'default',
    ...(onProblem ? { onProblem: (problem) => onProblem(problem.message) } : {}),
  }).build(0);
  return [...batch.values].map((value, i) => {
    const labels = formatLabels(sectionLabels(batch.series, batch.sampleSeries[i] as number));
    return `${labels} @${batch.timestampsMs[i]} ${value}`;
  });
}

function complaint(text: string | Uint8Array): string {
  try {
    parse(text);
  } catch (error) {
    if (isTidemarkError(error, 'LINE_MALFORMED')) return error.message;
    throw error;
  }
  return 'nothing';
}

test.each([
  [
    'CPU.load host=webserver01,region=us-west 1613707265 50',
    'CPU.load{host="webserver01", region="us-west"} @1613707265000 50',
  ],
  ['CPU.load host=webserver01 1613707265123 50', 'CPU.load{host="webserver01"} @1613707265123 50'],
  ['CPU.load host=webserver01 1613707265.5 50', 'CPU.load{host="webserver01"} @1613707265500 50'],
  ['load 1613707265 -0.5e1', 'load @1613707265000 -5'],
  ['load - 1613707265 NaN', 'load @1613707265000 NaN'],
  ['  load\t b=2,a=1 \t1613707265  +Inf \r', 'load{a="1", b="2"} @1613707265000 Infinity'],
  ['load a="x y, \\"z\\" \\\\ \\n",b="" 1613707265 1', 'load{a="x y, \\"z\\" \\\\ \\n"} @1613707265000 1'],
  ['größe ort=münchen 1613707265 1', 'größe{ort="münchen"} @1613707265000 1'],
  ['load a=b=c 1613707265 1', 'load{a="b=c"} @1613707265000 1'],
  ['load a=1 1613707265 1 # no comment', undefined],
])('%s', (line, expected) => {
  if (expected) expect(parse(line)).toEqual([expected]);
  else expect(complaint(line)).toBe('line 1: "# no comment" is not expected after the value');
});

test('empty lines and comments pass, lines count from one', () => {
  expect(parse('# x\n\n  \nload 1613707265 1\n   # y\n')).toEqual(['load @1613707265000 1']);
  expect(complaint('# x\n\nload 1613707265\n')).toContain('line 3: ');
});

test.each([
  ['load', 'the time is missing; a line is: metric label=value,label=value time value'],
  ['load a=b', 'the time is missing; a line is: metric label=value,label=value time value'],
  ['load a=b 1613707265', 'the value is missing; a line is: metric label=value,label=value time value'],
  ['load a=b now 1', 'the time "now" is no number'],
  ['load a=b NaN 1', 'the time "NaN" is neither unix seconds nor whole unix milliseconds'],
  ['load a=b 1613707265123.5 1', 'the time "1613707265123.5" is neither unix seconds nor whole unix milliseconds'],
  ['load a=b 1613707265 one', 'the value "one" is no number'],
  ['load host 1613707265 50', 'label "host" has no "="; labels are written name=value,name=value'],
  ['load a=1,,b=2 1613707265 1', 'a label name is missing before ",b=2"'],
  ['load a=1, 1613707265 1', 'a label name is missing before ""'],
  ['load =1 1613707265 1', 'a label name is missing before "=1"'],
  ['load a=1,a=2 1613707265 1', 'the label "a" stands twice'],
  ['load __name__=x 1613707265 1', 'the label "__name__" stands twice'],
  ['load a="x 1613707265 1', 'the label value "\\"x 1613707265 1" has no closing quote'],
  ['load a="x\\t" 1613707265 1', '"\\\\t" is no escape; known are \\" \\\\ \\n'],
  ['load a=x"y 1613707265 1', 'a double quote inside a label value: the whole value must be quoted'],
  ['load a="x"y 1613707265 1', '"y" is not expected after the value of label "a"'],
])('%s is refused', (line, what) => {
  expect(complaint(line)).toBe(`line 1: ${what}`);
});

test('with somebody to tell, a bad line costs only itself', () => {
  const problems: string[] = [];
  expect(parse('a 1613707265 1\nb\nc 1613707265 3', (message) => problems.push(message))).toHaveLength(2);
  expect(problems.map((message) => message.slice(0, 7))).toEqual(['line 2:']);
});

test('any cut and any flipped bit is parsed or refused with a line', () => {
  const text = Buffer.from('CPU.load host=webserver01,r="u\\"ü" 1613707265 50\n');
  for (let cut = 0; cut < text.length; cut++) complaint(text.subarray(0, cut));
  for (let bit = 0; bit < text.length * 8; bit++) {
    const bent = Buffer.from(text);
    bent[bit >> 3] = (bent[bit >> 3] as number) ^ (1 << (bit & 7));
    complaint(bent);
  }
});
