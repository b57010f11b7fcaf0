import { systemClock, TidemarkError } from '@tidemark/base';
import { formatDuration } from '@tidemark/model';
import { type Assumptions, PRESETS, QUANTITIES, type Quantity, readQuantity } from '../capacity/assumptions.ts';
import { type Measured, measuredAssumptions, type ServerFigures, type StorageFigures } from '../capacity/measured.ts';
import { capacitySteps, count, type Step, spoken } from '../capacity/steps.ts';
import { nearestOf } from '../config/nearest.ts';
import { type Command, type CommandContext, callServer, readJson, serverUrl } from './command.ts';
import { table } from './table.ts';

const ALL = Object.keys(QUANTITIES) as Quantity[];
const PRESET_DEFAULT = 'fleet';

export const capacityCommand: Command = {
  name: 'capacity',
  summary: 'work out series, samples, bytes and machines',
  help: `tidemark capacity [--preset fleet|platform] [--OPTION VALUE ...] [--json]
tidemark capacity --url URL [--OPTION VALUE ...] [--json]

  Every step with its formula. --preset fleet: 10,000 hosts of 100 series; platform: 1,000 pools of 100 hosts of 100 series.
  With --url a running Tidemark's own figures take the place of assumptions: series, samples a second, stored bytes of a
  sample and of a row, memory of a series, retention. Options win over both.

${ALL.map((quantity) => `  --${QUANTITIES[quantity].option.padEnd(19)} ${QUANTITIES[quantity].about}${defaultOf(quantity)}`).join('\n')}

  tidemark capacity --hosts 500 --series-per-host 800 --interval 15s --replication 2
  tidemark capacity --url http://127.0.0.1:9470 --retention-raw 30d`,
  options: {
    preset: 'text',
    url: 'text',
    json: 'flag',
    ...Object.fromEntries(ALL.map((quantity) => [QUANTITIES[quantity].option, 'text' as const])),
  },
  values: { preset: { kind: 'words', words: Object.keys(PRESETS) } },
  run: runCapacity,
};

function defaultOf(quantity: Quantity): string {
  const value = (PRESETS[PRESET_DEFAULT] as Assumptions)[quantity];
  return value === undefined ? '' : ` (${written(quantity, value)})`;
}

async function runCapacity(context: CommandContext): Promise<number> {
  const { options, words } = context.args;
  if (words.length > 0) {
    throw new TidemarkError('ARGUMENT_INVALID', `capacity takes options only, not ${JSON.stringify(words[0])}`);
  }
  const preset = presetOf(options.get('preset') ?? PRESET_DEFAULT);
  // Options are read first: a slip of the finger shall not cost a question to a server.
  const given = givenBy(options);
  const measured: Measured = options.has('url')
    ? measuredAssumptions(await figuresOf(context))
    : { values: {}, origins: new Map(), notes: [] };
  // A fleet that is given is meant instead of the series counted; an interval instead of the rate.
  const { series, samplesPerSecond, ...rest } = measured.values;
  const fleet = given.pools ?? given.hosts ?? given.seriesPerHost;
  const counted = {
    ...(series === undefined || fleet !== undefined ? {} : { series }),
    ...(samplesPerSecond === undefined ||
    fleet !== undefined ||
    given.intervalMs !== undefined ||
    given.series !== undefined
      ? {}
      : { samplesPerSecond }),
  };
  const assumptions: Assumptions = { ...preset, ...rest, ...counted, ...given };
  const sources = ALL.filter((quantity) => assumptions[quantity] !== undefined).map((quantity) => ({
    quantity,
    value: assumptions[quantity] as number,
    origin: originOf(quantity, assumptions, given, measured),
  }));
  const steps = capacitySteps(assumptions);
  if (options.has('json')) {
    const json = {
      assumptions: Object.fromEntries(sources.map(({ quantity, ...one }) => [quantity, one])),
      steps,
      notes: measured.notes,
    };
    context.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
    return 0;
  }
  for (const note of measured.notes) context.stderr.write(`note: ${note}\n`);
  context.stdout.write(`${assumptionTable(sources, assumptions)}\n${stepTable(steps)}`);
  return 0;
}

function presetOf(name: string): Assumptions {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name as keyof typeof PRESETS];
  const names = Object.keys(PRESETS);
  const nearest = nearestOf(name, names);
  const hint = nearest === undefined ? `it is one of ${names.join(', ')}` : `did you mean ${nearest}?`;
  throw new TidemarkError('ARGUMENT_INVALID', `there is no preset ${name}; ${hint}`, { name });
}

function givenBy(options: ReadonlyMap<string, string>): Partial<Assumptions> {
  const given = ALL.flatMap((quantity) => {
    const text = options.get(QUANTITIES[quantity].option);
    return text === undefined ? [] : [[quantity, readQuantity(quantity, text)] as const];
  });
  return Object.fromEntries(given);
}

function originOf(quantity: Quantity, inForce: Assumptions, given: Partial<Assumptions>, measured: Measured): string {
  if (given[quantity] !== undefined) return `--${QUANTITIES[quantity].option}`;
  const isMeasured = measured.values[quantity] !== undefined && inForce[quantity] === measured.values[quantity];
  return isMeasured ? (measured.origins.get(quantity) as string) : 'assumed';
}

async function figuresOf(context: CommandContext): Promise<ServerFigures> {
  const url = await serverUrl(context);
  const get = (path: string) => callServer(`${url}${path}`, { signal: context.signal });
  const data = async <T>(path: string) => {
    const answer = (await readJson(`${url}${path}`, await get(path))) as { status?: string; data?: T; error?: string };
    if (answer.status === 'success' && answer.data !== undefined) return answer.data;
    throw new TidemarkError('SERVER_STRANGE', `${url}${path}: ${answer.error ?? 'an answer without data'}`, { url });
  };
  const rate = new URLSearchParams({ query: 'sum(rate(tidemark_ingest_samples_total[5m]))' });
  const [storage, tsdb, metrics, found] = await Promise.all([
    data<StorageFigures>('/api/v1/status/storage'),
    data<{ headStats: { numSeries: number } }>('/api/v1/status/tsdb?limit=1'),
    get('/metrics').then((response) => response.text()),
    data<{ result: readonly { value: readonly [number, string] }[] }>(`/api/v1/query?${rate}`),
  ]);
  const value = found.result[0]?.value;
  return {
    storage,
    tsdbSeries: tsdb.headStats.numSeries,
    metrics,
    samplesPerSecond: value === undefined ? undefined : Number(value[1]),
    nowSeconds: systemClock.nowMs() / 1000,
  };
}

type Source = { readonly quantity: Quantity; readonly value: number; readonly origin: string };

function assumptionTable(sources: readonly Source[], assumptions: Assumptions): string {
  // What a counted figure stands in for has no part in the sum.
  const unused = new Set<Quantity>([
    ...(assumptions.series === undefined ? [] : (['pools', 'hosts', 'seriesPerHost'] as const)),
    ...(assumptions.samplesPerSecond === undefined ? [] : (['intervalMs'] as const)),
  ]);
  const rows = sources
    .filter(({ quantity }) => !unused.has(quantity))
    .map(({ quantity, value, origin }) => [QUANTITIES[quantity].about, origin, written(quantity, value)]);
  return table(['assumption', 'from', ''], rows, 2);
}

function stepTable(steps: readonly Step[]): string {
  const rows = steps.map((step, i) => [
    steps[i - 1]?.part === step.part ? '' : step.part,
    step.what,
    step.formula,
    count(step.value),
    step.unit,
    spoken(step),
  ]);
  return table(['', 'step', 'formula', 'number', 'unit', 'in short'], rows, 3);
}

function written(quantity: Quantity, value: number): string {
  return QUANTITIES[quantity].kind === 'duration' ? formatDuration(value) : count(value);
}
