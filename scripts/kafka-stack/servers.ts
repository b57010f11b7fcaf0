import { join } from 'node:path';
import {
  answers,
  clusterMetadata,
  type Kafka,
  type S3,
  type SchemaRegistry,
  startKafka,
  startS3,
  startSchemaRegistry,
} from '@tidemark/testkit/real';
import type { Ports, Servers } from './plan.ts';

// What Tidemark needs of others: a broker, a schema registry that keeps its schemas there, an S3 server on a folder. Those that
// KAFKA_BROKERS, SCHEMA_REGISTRY_URL or S3_ENDPOINT name are used as they are.

export interface ServerState {
  readonly name: string;
  readonly at: string;
  readonly does: string;
  readonly state: 'ready' | 'not ready';
  readonly pid: number | undefined;
}

export interface RunningServers extends AsyncDisposable {
  readonly told: Servers;
  readonly pids: readonly { readonly name: string; readonly pid: number }[];
  states(): Promise<ServerState[]>;
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

/** `say` is told of each that answers. */
export async function startServers(folder: string, ports: Ports, say: (line: string) => void): Promise<RunningServers> {
  await using parts = new AsyncDisposableStack();
  const kafka = parts.use(await kafkaIn(join(folder, 'kafka'), ports.get('kafka')));
  const brokers = kafka.bootstrap.join(',');
  say(`Kafka answers at ${brokers}.`);
  // Disposed the other way round: the registry before the broker it writes to.
  const started = await Promise.allSettled([registryOn(brokers, ports.get('registry')), s3In(folder, ports.get('s3'))]);
  for (const each of started) if (each.status === 'fulfilled') parts.use(each.value);
  const [registry, s3] = started.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  }) as [SchemaRegistry, S3];
  say(`The schema registry answers at ${registry.url}, S3 at ${s3.endpoint}.`);
  const owned = parts.move();
  const ours = [
    { name: 'Kafka', pid: kafka.source === 'jars' ? kafka.pid(0) : undefined },
    { name: 'schema registry', pid: registry.process?.pid },
    { name: 'S3 server', pid: s3.process?.pid },
  ];
  return {
    told: { brokers, registryUrl: registry.url, s3 },
    pids: ours.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }])),
    states: () => statesOf(kafka, registry, s3),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
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

function statesOf(kafka: Kafka, registry: SchemaRegistry, s3: S3): Promise<ServerState[]> {
  const [host = '', port = ''] = kafka.bootstrap[0]?.split(':') ?? [];
  const asked = [
    {
      name: 'Kafka',
      at: kafka.bootstrap.join(', '),
      does: 'Keeps every topic; whoever reads goes on from there.',
      pid: kafka.source === 'jars' ? kafka.pid(0) : undefined,
      ask: async () => (await clusterMetadata(host, Number(port), ASK_MS)).brokers.length > 0,
    },
    {
      name: 'schema registry',
      at: registry.url,
      does: 'Keeps the schemas of those who write samples.',
      pid: registry.process?.pid,
      ask: () => answers(`${registry.url}/subjects`),
    },
    {
      name: 'S3 server',
      at: `${s3.endpoint}/${s3.bucket}`,
      does: 'Keeps sealed segments and their manifests.',
      pid: s3.process?.pid,
      ask: () => s3Answers(s3.endpoint),
    },
  ];
  return Promise.all(
    asked.map(async ({ ask, ...each }) => ({ ...each, state: (await isWell(ask)) ? 'ready' : 'not ready' })),
  );
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
