import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unreachable } from '@tidemark/base';
import { freePort, listensOn } from './port.ts';
import { answers, type RealProcess, startProcess } from './process.ts';
import { chooseRegistry } from './schema-registry-source.ts';
import { cachedServer, SERVERS } from './servers.ts';
import { dockerAnswers, hasProgram } from './surroundings.ts';

// A real schema registry (Apicurio's, which speaks Confluent's API under /apis/ccompat/v7), in memory or on a Kafka, on a free loopback port.
// Where it comes from: schema-registry-source.ts.
// Its compatibility is NONE until someone sets it.

export interface SchemaRegistryOptions {
  /** One of the test's own, to kill and pause, whatever SCHEMA_REGISTRY_URL says. */
  readonly own?: boolean;
  /** Brokers, with commas, where it keeps its schemas: otherwise they are in memory. Implies `own`. */
  readonly brokers?: string;
  /** Default: a free one. Implies `own`. */
  readonly port?: number;
  /** As in ProcessOptions. */
  readonly detached?: boolean;
}

export interface SchemaRegistry extends AsyncDisposable {
  readonly source: 'given' | 'container' | 'jar';
  /** What `SchemaRegistryClient({ baseURLs: [url] })` takes. */
  readonly url: string;
  /** The process, when it is ours: to be killed, or sent SIGSTOP. */
  readonly process: RealProcess | undefined;
  /** Starts it again on the same port, after it was killed or stopped. Throws when it is not ours. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const READY_MS = 120_000;
const STOP_MS = 30_000;
const CCOMPAT = '/apis/ccompat/v7';
const INSIDE = 8080;
const JVM = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

export async function startSchemaRegistry(options: SchemaRegistryOptions = {}): Promise<SchemaRegistry> {
  const { own = options.brokers !== undefined || options.port !== undefined } = options;
  const urlVariable = process.env['SCHEMA_REGISTRY_URL'];
  const chosen = chooseRegistry(own, {
    urlVariable,
    dockerAnswers: !own && !urlVariable && (await dockerAnswers()),
    jar: cachedJar(),
    java: hasProgram('java'),
  });
  switch (chosen.kind) {
    case 'given':
      return registryNotOurs('given', chosen.url, () => Promise.resolve());
    case 'container':
      return startContainer();
    case 'jar':
      return startJar(chosen.jar, options);
    default:
      return unreachable(chosen);
  }
}

function cachedJar(): string | undefined {
  const folder = cachedServer('schemaRegistry');
  const name = folder && readdirSync(folder).find((each) => each.endsWith('-runner.jar'));
  return folder && name && join(folder, name);
}

/** A registry to use and to leave alone. */
export function registryNotOurs(
  source: SchemaRegistry['source'],
  url: string,
  stop: () => Promise<void>,
): SchemaRegistry {
  const restart = () => Promise.reject(new Error('this schema registry was not started by the test: ask for `own`'));
  return { source, url, process: undefined, restart, stop, [Symbol.asyncDispose]: stop };
}

async function startJar(
  jar: string,
  { brokers, detached = false, ...options }: SchemaRegistryOptions,
): Promise<SchemaRegistry> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}${CCOMPAT}`;
  const start = () =>
    startProcess({
      name: 'schema registry',
      command: 'java',
      detached,
      env: {
        ...process.env,
        ...(brokers && { APICURIO_STORAGE_KIND: 'kafkasql', APICURIO_KAFKASQL_BOOTSTRAP_SERVERS: brokers }),
      },
      args: [...JVM, '-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`, '-jar', jar],
      readyMs: READY_MS,
      stopMs: STOP_MS,
      ready: async ({ pid }) => listensOn(pid, port) && (await answers(`${url}/subjects`)),
    });
  let running = await start();
  // In memory or on the log: there is nothing to write down, so it needs no time to do so.
  const stop = async () => void (await running.kill9());
  return {
    source: 'jar',
    url,
    get process() {
      return running;
    },
    restart: async () => {
      await running.kill9();
      running = await start();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startContainer(): Promise<SchemaRegistry> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(SERVERS.schemaRegistry.image)
    .withExposedPorts(INSIDE)
    .withStartupTimeout(READY_MS)
    .withWaitStrategy(Wait.forHttp(`${CCOMPAT}/subjects`, INSIDE))
    .start();
  const url = `http://${container.getHost()}:${container.getMappedPort(INSIDE)}${CCOMPAT}`;
  return registryNotOurs('container', url, async () => void (await container.stop()));
}
