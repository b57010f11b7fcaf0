import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import { freePort, listensOn } from './port.ts';
import { answers, type RealProcess, startProcess } from './process.ts';
import { tempFolder } from './temp-folder.ts';

// A real Prometheus on a free loopback port, its data in a folder that goes with it: to send to us, and to agree with.

const SOURCE = { variable: 'PROMETHEUS_BIN', names: ['prometheus'], debianPackage: 'prometheus' };
const PROMTOOL = { variable: 'PROMTOOL_BIN', names: ['promtool'], debianPackage: 'prometheus' };

export interface PrometheusOptions {
  /** prometheus.yml. Default: scrape nothing. */
  readonly config?: string;
  readonly args?: readonly string[];
}

/** One entry of `data.result`: `value` of an instant vector, `values` of a matrix; Prometheus writes values as text. */
export interface PrometheusSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [seconds: number, value: string];
  readonly values?: readonly (readonly [seconds: number, value: string])[];
}

export interface Prometheus extends AsyncDisposable {
  readonly url: string;
  readonly process: RealProcess;
  /** Instant query at `atMs`, or now. Throws with Prometheus' own words. */
  query(expression: string, atMs?: number): Promise<readonly PrometheusSeries[]>;
  queryRange(
    expression: string,
    range: { startMs: number; endMs: number; stepMs: number },
  ): Promise<readonly PrometheusSeries[]>;
  stop(): Promise<void>;
}

export function findPromtool(): string {
  return findProgram(PROMTOOL);
}

/** Takes remote_write as well (`/api/v1/write`). */
export async function startPrometheus(options: PrometheusOptions = {}): Promise<Prometheus> {
  const command = findProgram(SOURCE);
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await tempFolder('prometheus'));
  const configFile = join(folder.path, 'prometheus.yml');
  await writeFile(configFile, options.config ?? 'global: { scrape_interval: 10s }\n');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const process = cleanup.use(
    await startProcess({
      name: 'prometheus',
      command,
      args: [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${join(folder.path, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--web.enable-remote-write-receiver',
        '--web.enable-lifecycle',
        ...(options.args ?? []),
      ],
      cwd: folder.path,
      ready: async ({ pid }) => (await answers(`${url}/-/ready`)) && listensOn(pid, port),
    }),
  );
  const owned = cleanup.move();
  const stop = () => owned.disposeAsync();
  return {
    url,
    process,
    query: (expression, atMs) =>
      ask(`${url}/api/v1/query`, { query: expression, ...(atMs === undefined ? {} : { time: seconds(atMs) }) }),
    queryRange: (expression, { startMs, endMs, stepMs }) =>
      ask(`${url}/api/v1/query_range`, {
        query: expression,
        start: seconds(startMs),
        end: seconds(endMs),
        step: seconds(stepMs),
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

async function ask(url: string, parameters: Record<string, string>): Promise<readonly PrometheusSeries[]> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(parameters) });
  const answer = (await response.json()) as { status: string; error?: string; data?: { result: PrometheusSeries[] } };
  if (answer.status !== 'success' || answer.data === undefined) {
    throw new Error(`prometheus refused ${JSON.stringify(parameters)}: ${answer.error ?? response.status}`);
  }
  return answer.data.result;
}
