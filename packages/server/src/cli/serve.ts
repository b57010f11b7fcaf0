import {
  acceleratedClock,
  isTidemarkError,
  lineLogger,
  messageOf,
  systemClock,
  systemRandom,
  TidemarkError,
} from '@tidemark/base';
import { type LoadedConfig, loadConfig, strangeVariables } from '../config/load.ts';
import { ROLES } from '../config/schema.ts';
import { isLoopback } from '../http.ts';
import { VERSION } from '../version.ts';
import { startTidemark } from '../wiring.ts';
import { announce } from './announce.ts';
import { type Command, type CommandContext, DEFAULT_URL } from './command.ts';

export const serveCommand: Command = {
  name: 'serve',
  summary: 'run Tidemark',
  help: `tidemark serve [--roles ${ROLES.join(',')}]

  Runs all roles in one process on the embedded log, with a folder as object store. Nothing else is needed.

  settings     tidemark.yaml in the current folder (or TIDEMARK_CONFIG), each overridden by TIDEMARK_SECTION_KEY
               \`tidemark config explain\` lists them all
  TIDEMARK_HTTP_LISTEN       where it listens                   127.0.0.1:9470
  TIDEMARK_DATA              where its data is                  ./data
  TIDEMARK_COLLECTOR_HOST    this host's own metrics            true
  TIDEMARK_RULES_FILES       Prometheus rule files              rules/*.yaml
  TIDEMARK_NOTIFIER_WEBHOOK_URL   who is told of alerts

  Ctrl-C or SIGTERM: stops taking in, checkpoints, ends.`,
  options: { roles: 'text' },
  values: { roles: { kind: 'list', words: ROLES } },
  run: serve,
};

// Everything together must end within 10 s of SIGTERM.
const DRAIN_MS = 9000;

async function serve({ args, env, stdout, stderr, signal }: CommandContext): Promise<number> {
  const load = () => loadConfig({ env, flags: flagsOf(args.options) });
  const loaded = await load();
  const { config } = loaded;
  const clock = clockOf(loaded);
  const lines = {
    write: (line: string) => stderr.write(`${line}\n`),
    nowMs: () => systemClock.nowMs(),
    // A reload may change it.
    minLevel: config.logging.level,
  };
  const logger = lineLogger(lines);
  for (const sentence of strangeVariables(env)) logger.warn(sentence);
  if (config.testing.clockRate !== 1) {
    logger.warn('testing.clockRate is set: the wall clock runs fast, for tests only', {
      rate: config.testing.clockRate,
    });
  }
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // a part may fail before anybody waits for it; whoever waits later still hears
  const quitting = new AbortController();
  const stopping = AbortSignal.any([signal, quitting.signal]);
  const starting = startTidemark({
    load: () => reloaded(loaded, load),
    setLogLevel: (level) => {
      lines.minLevel = level;
    },
    onQuit: () => quitting.abort(),
    signal: stopping,
    loaded,
    clock,
    random: systemRandom,
    logger,
    onFailure: (what, error) => {
      logger.error('a part of Tidemark failed', { what, error: messageOf(error) });
      failed.reject(error instanceof Error ? error : new Error(String(error)));
    },
  });
  const stopped = aborted(stopping);
  // Before it is ready there is nothing to reload; the signal must not end the process all the same.
  process.on('SIGHUP', () => {
    // What is wrong with the configuration is logged where it is found.
    starting.then((running) => running.reload()).catch(() => undefined);
  });
  const tidemark = await Promise.race([starting, stopped]);
  if (tidemark === 'stopped') {
    stdout.write('\nStopping: it was not ready yet.\n');
    return drained(
      starting.then(
        (late) => late.close(),
        (error: unknown) => {
          // It waited for what was away, and no longer does.
          if (error !== stopping.reason) throw error;
        },
      ),
      logger.error,
    );
  }
  const ending = new AbortController();
  const announced = announce({
    notReady: () => tidemark.notReady(),
    name: `Tidemark ${VERSION}`,
    url: tidemark.url,
    welcome: welcome(tidemark.url, tidemark.dataFolder),
    write: (text) => stdout.write(text),
    // Whoever waits does so in real time, whatever a test makes of ours.
    clock: systemClock,
    signal: ending.signal,
  });
  const failure = await Promise.race([stopped, failed.promise.catch((error: unknown) => ({ error }))]);
  ending.abort();
  await announced;
  if (failure === 'stopped') stdout.write('\nStopping: taking nothing in, writing a checkpoint.\n');
  const code = await drained(tidemark.close(), logger.error);
  if (failure === 'stopped') return code;
  throw isTidemarkError(failure.error)
    ? failure.error
    : new TidemarkError('SERVER_FAILED', `Tidemark stopped: ${messageOf(failure.error)}`, {}, failure.error);
}

/** As at the start; but a file that was there must still be. */
async function reloaded({ file }: LoadedConfig, load: () => Promise<LoadedConfig>): Promise<LoadedConfig> {
  const next = await load();
  if (file === undefined || next.file !== undefined) return next;
  throw new TidemarkError('CONFIG_NOT_FOUND', `the configuration file ${file} is gone`, { file });
}

function flagsOf(options: ReadonlyMap<string, string>) {
  const roles = options.get('roles');
  if (roles === undefined) return new Map();
  return new Map([['roles', { flag: '--roles', value: roles.split(',').map((role) => role.trim()) }]]);
}

/** A clock that runs fast must not be reachable from outside: its times are not true. */
function clockOf({ config }: LoadedConfig) {
  const { clockRate, clockOrigin } = config.testing;
  if (clockRate === 1) return systemClock;
  if (!isLoopback(config.http.listen)) {
    throw new TidemarkError(
      'CONFIG_INVALID',
      `testing.clockRate is for tests and refused unless http.listen is loopback; it is ${config.http.listen}`,
      { listen: config.http.listen },
    );
  }
  return acceleratedClock(clockRate, clockOrigin === 0 ? systemClock.nowMs() : clockOrigin);
}

function aborted(signal: AbortSignal): Promise<'stopped'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('stopped');
    else signal.addEventListener('abort', () => resolve('stopped'), { once: true });
  });
}

/** 0 when everything ended in time; 1, and said, when it could not. What was acknowledged is on disk either way. */
async function drained(closing: Promise<void>, say: (message: string) => void): Promise<number> {
  const late = new AbortController();
  const ended = await Promise.race([
    closing.then(
      () => undefined,
      (error: unknown) => `not everything could be put away (${reasonsOf(error).join('; ')})`,
    ),
    systemClock.sleep(DRAIN_MS, late.signal).then(
      () => `not everything ended within ${DRAIN_MS / 1000} s`,
      () => undefined,
    ),
  ]);
  late.abort();
  if (ended === undefined) return 0;
  say(`${ended}; what was acknowledged is on disk`);
  return 1;
}

/** Several parts may fail to close; each says why, once. */
function reasonsOf(error: unknown): string[] {
  if (!(error instanceof SuppressedError)) return [messageOf(error)];
  return [...new Set([...reasonsOf(error.suppressed), ...reasonsOf(error.error)])];
}

function welcome(url: string, dataFolder: string | undefined): string {
  const to = url === DEFAULT_URL ? '' : ` --url ${url}`;
  return `
  Tidemark ${VERSION} is ready.

    page    ${url}
    data    ${dataFolder ?? 'none: no role of this process keeps any'}

    next    open the page: this host's metrics move within a few seconds
            npx tidemark query 'node_load1' --range 5m${to}
            echo "CPU.load host=web1 $(date +%s) 50" | npx tidemark push${to}
            in prometheus.yml:  remote_write: [{url: "${url}/api/v1/write"}]
            in Grafana: a Prometheus data source at ${url}

    Ctrl-C stops it; nothing acknowledged is lost.

`;
}
