import { Readable, Writable } from 'node:stream';
import { TidemarkError } from '@tidemark/base';
import { expect, test } from 'vitest';
import { parseArgs } from './command.ts';
import type { Reply } from './query.ts';
import { watch } from './watch.ts';

// The loop on a stand-in for a terminal: what is written, and what a person sees of it.

type Answer = Reply | Error;

const vector = (value: string): Reply => ({
  status: 'success',
  data: { resultType: 'vector', result: [{ metric: { __name__: 'up', job: 'a b' }, value: [1, value] }] },
});

interface Setup {
  readonly tty?: { columns: number; rows: number };
  readonly env?: Record<string, string>;
  readonly options?: readonly string[];
  readonly render?: string;
}

/** Asks as often as there are answers; Ctrl-C comes with the next question. */
async function watched(answers: readonly Answer[], { tty, env = {}, options = [], render = 'series up 1' }: Setup) {
  const abort = new AbortController();
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += String(chunk);
        done();
      },
    });
  const stdout = Object.assign(sink('stdout'), tty ? { isTTY: true as const, ...tty } : {});
  let asked = 0;
  const code = await watch({
    context: {
      args: parseArgs(options, { json: 'flag' }),
      env,
      stdin: Readable.from([]),
      stdout,
      stderr: sink('stderr'),
      signal: abort.signal,
    },
    caption: 'up',
    intervalMs: 1,
    async ask() {
      const answer = answers[asked++];
      if (answer === undefined) {
        abort.abort();
        throw new TidemarkError('SERVER_UNREACHABLE', 'stopped');
      }
      if (answer instanceof Error) throw answer;
      return answer;
    },
    render: (_data, sparkWidth) => `${render}${sparkWidth === undefined ? '' : ` spark ${sparkWidth}`}\n`,
  });
  return { code, ...written };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the very characters that are looked for.
const COLOUR = /\u001b\[\d+m/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const SEQUENCE = /\u001b\[[?0-9]*[A-Za-z]|\r/g;

const away = new TidemarkError('SERVER_UNREACHABLE', 'no Tidemark answers');

test('no terminal: a line for each answer, errors beside it, and it goes on', async () => {
  const { code, stdout, stderr } = await watched([vector('1'), away, vector('2')], {});
  expect(code).toBe(0);
  expect(stdout.replace(/^\S+ /gm, '')).toBe('up{job="a b"}=1\nup{job="a b"}=2\n');
  expect(stderr).toMatch(/^\S+Z no Tidemark answers; asking again\n$/);
});

test('--json: a JSON text a line, on a terminal too', async () => {
  const { stdout } = await watched([vector('1'), vector('2')], { options: ['--json'], tty: { columns: 80, rows: 24 } });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).result[0].value[1])).toEqual(['1', '2']);
});

test('a question that is wrong is not asked again; a busy server is', async () => {
  const wrong = await watched([{ status: 'error', errorType: 'bad_data', error: '1:3: parse error' }, vector('1')], {});
  expect(wrong).toEqual({ code: 1, stdout: '', stderr: '1:3: parse error\n' });
  const busy = await watched([{ status: 'error', errorType: 'timeout', error: 'busy' }, vector('1')], {});
  expect(busy.code).toBe(0);
  expect(busy.stderr).toContain('busy; asking again');
  expect(busy.stdout).toContain('=1');
});

test('a terminal: drawn over itself, the cursor is given back', async () => {
  const { code, stdout } = await watched([vector('1'), away], { tty: { columns: 80, rows: 24 } });
  expect(code).toBe(0);
  expect(stdout.startsWith('\u001b[?25l')).toBe(true);
  expect(stdout.endsWith('\u001b[?25h')).toBe(true);
  const [, second = ''] = stdout.split('\u001b[3A\r\u001b[J');
  // What is known stays while nobody answers.
  expect(second).toContain('no Tidemark answers; asking again');
  expect(second).toContain('series up 1');
});

test('NO_COLOR and dumb terminals get no colours', async () => {
  const tty = { columns: 80, rows: 24 };
  const colours = (text: string) => COLOUR.test(text);
  expect(colours((await watched([away], { tty })).stdout)).toBe(true);
  expect(colours((await watched([away], { tty, env: { NO_COLOR: '1' } })).stdout)).toBe(false);
  expect(colours((await watched([away], { tty, env: { NO_COLOR: '' } })).stdout)).toBe(true);
  expect(colours((await watched([away], { tty, env: { TERM: 'dumb' } })).stdout)).toBe(false);
});

test('narrow: sparklines shrink, lines are cut at the edge; short: what is left out is counted', async () => {
  const line = 'x'.repeat(100);
  const narrow = await watched([vector('1')], { tty: { columns: 30, rows: 24 }, env: { NO_COLOR: '1' }, render: line });
  const rows = narrow.stdout.split('\n').map((row) => row.replace(SEQUENCE, ''));
  expect(rows.every((row) => [...row].length <= 30)).toBe(true);
  expect(rows).toContain(`${'x'.repeat(29)}…`);
  const shrunk = await watched([vector('1')], { tty: { columns: 80, rows: 24 }, render: 'y'.repeat(90) });
  expect(shrunk.stdout).not.toContain('spark 60');
  const low = await watched([vector('1')], { tty: { columns: 80, rows: 6 }, render: 'a\nb\nc\nd\ne' });
  expect(low.stdout).toMatch(/\na\nb\n\.\.\. 3 more lines\n/);
});
