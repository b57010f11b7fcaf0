import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  answers,
  type Kafka,
  type S3,
  type SchemaRegistry,
  startKafka,
  startS3,
  startSchemaRegistry,
} from '@tidemark/testkit/real';
import { askBroker, checkGiven } from './given.ts';
import type { Ports, Servers } from './plan.ts';
import { isRunning } from './running-file.ts';

// What Tidemark needs of others: a broker, a schema registry that keeps its schemas there, an S3 server on a folder. Those that
// KAFKA_BROKERS, SCHEMA_REGISTRY_URL or S3_ENDPOINT name are used as they are (given.ts).

export interface ServerState {
  readonly name: string;
  readonly at: string;
  readonly does: string;
  readonly state: 'ready' | 'not ready';
  readonly pid: number | undefined;
}

export interface RunningServers extends AsyncDisposable {
  readonly told: Servers;
  pids(): readonly { readonly name: string; readonly pid: number }[];
  states(): Promise<ServerState[]>;
}

/** One that is ours, by what can be done about it. */
interface Server {
  readonly name: string;
  readonly at: string;
  readonly does: string;
  /** Undefined: not ours. */
  pid(): number | undefined;
  restart(): Promise<void>;
  ask(): Promise<boolean>;
}

const BUCKET = 'tidemark';
const ASK_MS = 2000;

// Made for tests, the broker is set up for small logs and quick deletion; this one lives longer.
const LONG_LIVED: Readonly<Record<string, string>> = {
  'log.segment.bytes': String(64 << 20),
  'log.retention.check.interval.ms': '60000',
  'log.segment.delete.delay.ms': '60000',
  'log.cleaner.backoff.ms': '15000',
};

const LOOK_MS = 1000;

export interface ServersParts {
  readonly folder: string;
  readonly ports: Ports;
  /** Told of each that answers, and of one that ended. */
  readonly say: (line: string) => void;
  /** Told when pids have changed. */
  readonly changed: () => void;
}

/** Starts them, and starts again what ends without being told. */
export async function startServers({ folder, ports, say, changed }: ServersParts): Promise<RunningServers> {
  await using parts = new AsyncDisposableStack();
  const { KAFKA_BROKERS: named, SCHEMA_REGISTRY_URL: registryUrl, S3_ENDPOINT: s3Endpoint } = process.env;
  const given = named ? (await startKafka()).bootstrap : undefined;
  const found = await checkGiven({
    brokers: given,
    registryUrl: registryUrl || undefined,
    s3Endpoint: s3Endpoint || undefined,
  });
  const kafka = parts.use(await kafkaIn(join(folder, 'kafka'), ports.get('kafka')));
  const brokers = kafka.bootstrap.join(',');
  say(found ?? `Kafka answers at ${brokers}.`);
  // Disposed the other way round: the registry before the broker it writes to.
  const started = await Promise.allSettled([registryOn(brokers, ports.get('registry')), s3In(folder, ports.get('s3'))]);
  for (const each of started) if (each.status === 'fulfilled') parts.use(each.value);
  const [registry, s3] = started.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  }) as [SchemaRegistry, S3];
  say(`The schema registry answers at ${registry.url}, S3 at ${s3.endpoint}.`);
  const servers = serversOf(kafka, registry, s3);
  const told = new AbortController();
  const kept = Promise.all(servers.map((each) => keep(each, { say, changed, signal: told.signal })));
  parts.defer(async () => {
    told.abort();
    await kept;
  });
  const owned = parts.move();
  return {
    told: { brokers, registryUrl: registry.url, s3 },
    pids: () =>
      servers.flatMap(({ name, pid }) => {
        const now = pid();
        return now === undefined ? [] : [{ name, pid: now }];
      }),
    states: () => Promise.all(servers.map(stateOf)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Starts it again whenever it is gone, until the signal aborts. */
async function keep(
  server: Server,
  { say, changed, signal }: Pick<ServersParts, 'say' | 'changed'> & Told,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    const pid = server.pid();
    if (signal.aborted || pid === undefined || isRunning(pid)) continue;
    say(`${server.name} ended and starts again.`);
    try {
      await server.restart();
      changed();
    } catch (error) {
      say(`${server.name} does not start: ${error instanceof Error ? error.message : error}`);
    }
  }
}

interface Told {
  readonly signal: AbortSignal;
}

function kafkaIn(folder: string, port: number | undefined): Promise<Kafka> {
  if (process.env['KAFKA_BROKERS']) return startKafka();
  return startKafka({ folder, detached: true, config: LONG_LIVED, ...(port && { port }) });
}

function registryOn(brokers: string, port: number | undefined): Promise<SchemaRegistry> {
  if (process.env['SCHEMA_REGISTRY_URL']) return startSchemaRegistry();
  return startSchemaRegistry({ brokers, detached: true, ...(port && { port }) });
}

function s3In(folder: string, port: number | undefined): Promise<S3> {
  if (process.env['S3_ENDPOINT']) return startS3();
  return startS3({ folder: join(folder, 's3'), bucket: BUCKET, detached: true, ...(port && { port }) });
}

function serversOf(kafka: Kafka, registry: SchemaRegistry, s3: S3): Server[] {
  return [
    {
      name: 'Kafka',
      at: kafka.bootstrap.join(', '),
      does: 'Keeps every topic; whoever reads goes on from there.',
      pid: () => (kafka.source === 'jars' ? kafka.pid(0) : undefined),
      restart: () => kafka.restart(0),
      ask: async () => {
        await Promise.any(kafka.bootstrap.map((each) => askBroker(each, ASK_MS)));
        return true;
      },
    },
    {
      name: 'schema registry',
      at: registry.url,
      does: 'Keeps the schemas of those who write samples.',
      pid: () => registry.process?.pid,
      restart: () => registry.restart(),
      ask: () => answers(`${registry.url}/subjects`),
    },
    {
      name: 'S3 server',
      at: `${s3.endpoint}/${s3.bucket}`,
      does: 'Keeps sealed segments and their manifests.',
      pid: () => s3.process?.pid,
      restart: () => s3.restart(),
      ask: () => s3Answers(s3.endpoint),
    },
  ];
}

async function stateOf({ name, at, does, pid, ask }: Server): Promise<ServerState> {
  return { name, at, does, pid: pid(), state: (await isWell(ask)) ? 'ready' : 'not ready' };
}

async function s3Answers(endpoint: string): Promise<boolean> {
  // Without credentials: 403 is an answer.
  const response = await fetch(endpoint, { signal: AbortSignal.timeout(ASK_MS) });
  await response.arrayBuffer();
  return response.status < 500;
}

async function isWell(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch {
    return false; // the page says so
  }
}
