import { messageOf, TidemarkError } from '@tidemark/base';
import { parseDuration } from '@tidemark/model';
import { type Command, type CommandContext, callServer, readJson, serverUrl, tenantHeaders } from './command.ts';
import { sparkline, squeeze } from './sparkline.ts';
import { table } from './table.ts';
import { WATCH_INTERVAL_DEFAULT, watch } from './watch.ts';

export const queryCommand: Command = {
  name: 'query',
  summary: 'ask a running Tidemark a PromQL question',
  help: `tidemark query EXPRESSION [--range 1h] [--step 30s] [--time T] [--json] [--url URL] [--tenant NAME]
tidemark query EXPRESSION --watch [--interval ${WATCH_INTERVAL_DEFAULT}] [--range 15m] ...

  Prints a table of series and values now (or at --time: unix seconds or RFC 3339).
  With --range, a line for each series: lowest, highest and last value, and a sparkline of that long until now.
  With --watch, asks again and again until Ctrl-C: redraws in place on a terminal, else writes a line each time.
  A server that is away is waited for. NO_COLOR: no colours.

  tidemark query 'node_load1'
  tidemark query 'rate(node_cpu_seconds_total{mode="idle"}[1m])' --range 15m
  tidemark query 'topk(5, node_load1)' --watch --interval 2s`,
  options: {
    range: 'text',
    step: 'text',
    time: 'text',
    url: 'text',
    tenant: 'text',
    json: 'flag',
    watch: 'flag',
    interval: 'text',
  },
  words: [{ kind: 'metrics' }],
  run: runQuery,
};

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

export interface Reply {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: { readonly resultType: string; readonly result: unknown };
}

const SPARK_WIDTH = 60;
const WATCH_INTERVAL_MIN_MS = 100;

async function runQuery(context: CommandContext): Promise<number> {
  const expression = context.args.words.join(' ');
  if (expression === '') {
    throw new TidemarkError('ARGUMENT_INVALID', "query needs an expression, for example: tidemark query 'node_load1'");
  }
  const { options } = context.args;
  if (options.has('watch')) {
    if (options.has('time'))
      throw new TidemarkError('ARGUMENT_INVALID', '--watch shows what is now; --time is for one look');
    const intervalMs = durationOf('--interval', options.get('interval') ?? WATCH_INTERVAL_DEFAULT);
    if (intervalMs < WATCH_INTERVAL_MIN_MS) {
      throw new TidemarkError('ARGUMENT_INVALID', `--interval must be at least ${WATCH_INTERVAL_MIN_MS} ms`);
    }
    return watch({ context, caption: expression, intervalMs, ask: () => askNow(context, expression), render });
  }
  if (options.has('interval')) throw new TidemarkError('ARGUMENT_INVALID', '--interval goes with --watch');
  const reply = await askNow(context, expression);
  if (reply.status !== 'success' || !reply.data) {
    context.stderr.write(`${reply.error ?? 'the server answered with nothing'}\n`);
    return 1;
  }
  for (const warning of reply.warnings ?? []) context.stderr.write(`warning: ${warning}\n`);
  if (options.has('json')) context.stdout.write(`${JSON.stringify(reply.data, null, 2)}\n`);
  else context.stdout.write(render(reply.data));
  return 0;
}

function askNow(context: CommandContext, expression: string): Promise<Reply> {
  const range = context.args.options.get('range');
  return range === undefined ? askInstant(context, expression) : askRange(context, expression, range);
}

async function ask(context: CommandContext, path: string, params: Record<string, string>): Promise<Reply> {
  const url = `${await serverUrl(context)}/api/v1/${path}`;
  const response = await callServer(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...tenantHeaders(context.args) },
    body: new URLSearchParams(params).toString(),
    signal: context.signal,
  });
  return (await readJson(url, response)) as Reply;
}

function askInstant(context: CommandContext, query: string): Promise<Reply> {
  const time = context.args.options.get('time');
  return ask(context, 'query', { query, ...(time === undefined ? {} : { time }) });
}

/** The server's own clock says when "now" is. */
async function askRange(context: CommandContext, query: string, range: string): Promise<Reply> {
  const rangeMs = durationOf('--range', range);
  const step = context.args.options.get('step');
  const stepMs =
    step === undefined ? Math.max(1000, Math.ceil(rangeMs / (2 * SPARK_WIDTH))) : durationOf('--step', step);
  const now = await ask(context, 'query', { query: 'time()' });
  const endSeconds = Number((now.data?.result as [number, string] | undefined)?.[1]);
  if (!Number.isFinite(endSeconds)) return now;
  return ask(context, 'query_range', {
    query,
    start: String(endSeconds - rangeMs / 1000),
    end: String(endSeconds),
    step: String(stepMs / 1000),
  });
}

function durationOf(option: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (cause) {
    throw new TidemarkError('ARGUMENT_INVALID', `${option}: ${messageOf(cause)}`, { option }, cause);
  }
}

/** `sparkWidth`: most characters of a sparkline. */
function render(data: NonNullable<Reply['data']>, sparkWidth = SPARK_WIDTH): string {
  if (data.resultType === 'scalar' || data.resultType === 'string') return `${(data.result as [number, string])[1]}\n`;
  const series = data.result as readonly Series[];
  if (series.length === 0) return 'no series\n';
  if (data.resultType === 'vector') {
    return table(
      ['series', 'value'],
      series.map((one) => [nameOf(one.metric), one.value?.[1] ?? '']),
      1,
    );
  }
  return table(
    ['series', 'lowest', 'highest', 'last', ''],
    series.map((one) => {
      const numbers = (one.values ?? []).map(([, text]) => Number(text));
      const there = numbers.filter(Number.isFinite);
      return [
        nameOf(one.metric),
        short(Math.min(...there)),
        short(Math.max(...there)),
        short(numbers.at(-1) ?? Number.NaN),
        sparkline(squeeze(numbers, sparkWidth)),
      ];
    }),
    1,
  );
}

function nameOf(metric: Readonly<Record<string, string>>): string {
  const rest = Object.entries(metric).filter(([name]) => name !== '__name__');
  const labels = rest.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ');
  return `${metric['__name__'] ?? ''}${labels === '' ? '' : `{${labels}}`}` || '{}';
}

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : '';
}
