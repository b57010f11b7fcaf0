import { cachedServer } from '../servers.ts';
import { dockerAnswers, hasProgram } from '../surroundings.ts';
import { startKafkaContainer } from './container.ts';
import { JarCluster } from './jars.ts';
import { SASL_USER } from './properties.ts';
import { chooseKafka } from './source.ts';

// A real Kafka for a test: `await using kafka = await startKafka({ brokers: 3 })`. Where it comes from: source.ts.
// For a plain broker that other test files of the run use as well there is `sharedKafka()`: cheaper by a start.

export interface KafkaOptions {
  /** Default 1. */
  readonly brokers?: 1 | 3;
  /** A cluster of the test's own, whatever KAFKA_BROKERS says. Implied by each of the other options and by three brokers. */
  readonly own?: boolean;
  /** Listeners with TLS and SASL beside the plain one. */
  readonly secure?: boolean;
  /** Of the certificate, with their kind: `DNS:broker.example`. With `secure`; by default those that the listeners have. */
  readonly certificateNames?: readonly string[];
  /** Entries of server.properties over those of properties.ts. */
  readonly config?: Readonly<Record<string, string>>;
  readonly heapMb?: number;
  /** Stays when they stop; brokers that were there before go on with what they had. Implies `own`. */
  readonly folder?: string;
  /** Of the first broker's plain listener. Default: a free one. Implies `own`. */
  readonly port?: number;
  /** As in ProcessOptions. */
  readonly detached?: boolean;
}

export interface KafkaSecure {
  readonly sasl: readonly string[];
  readonly saslTls: readonly string[];
  readonly tls: readonly string[];
  /** PEM to trust. */
  readonly ca: string;
  readonly username: string;
  readonly password: string;
}

export interface Kafka extends AsyncDisposable {
  readonly source: 'given' | 'container' | 'jars';
  /** host:port of each broker, in the order of the indexes below. */
  readonly bootstrap: readonly string[];
  /** Broker ids in the same order; empty when the brokers are not ours. */
  readonly ids: readonly number[];
  /** With `secure`. */
  readonly secure: KafkaSecure | undefined;
  /** The methods below throw when the brokers are not ours: ask for `own`. */
  pid(index: number): number;
  kill9(index: number): Promise<void>;
  /** SIGTERM: leadership is handed over first. */
  stopBroker(index: number): Promise<void>;
  /** SIGSTOP: connections stay open and nobody answers. */
  pause(index: number): void;
  resume(index: number): void;
  /** Starts one that was killed or stopped, on its old data and ports; one that runs is killed first. */
  restart(index: number): Promise<void>;
  /** What the broker wrote: its warnings and errors. */
  output(index: number): string;
  stop(): Promise<void>;
}

const HEAP_MB = 512;
const HEAP_MB_OF_THREE = 320;

export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const { brokers = 1, secure = false, certificateNames, config, folder, port, detached = false } = options;
  const { heapMb = brokers === 1 ? HEAP_MB : HEAP_MB_OF_THREE } = options;
  const own =
    options.own === true ||
    brokers > 1 ||
    secure ||
    [config, folder, port, options.heapMb].some((each) => each !== undefined);
  const brokersVariable = process.env['KAFKA_BROKERS'];
  const chosen = chooseKafka(own, {
    brokersVariable,
    dockerAnswers: !own && (brokersVariable ?? '') === '' && (await dockerAnswers()),
    jars: cachedServer('kafka'),
    java: hasProgram('java'),
  });
  if (chosen.kind === 'given') return notOurs('given', chosen.bootstrap, () => Promise.resolve());
  if (chosen.kind === 'container') {
    const { bootstrap, stop } = await startKafkaContainer();
    return notOurs('container', [bootstrap], stop);
  }
  const how = { brokers, secure, certificateNames, config: config ?? {}, heapMb, folder, port, detached };
  return ours(await JarCluster.start(chosen.folder, how));
}

function ours(cluster: JarCluster): Kafka {
  const addresses = (port: (ports: JarCluster['plans'][number]['ports']) => number | undefined) =>
    cluster.plans.map(({ ports }) => `127.0.0.1:${port(ports)}`);
  const { certificate } = cluster;
  return {
    source: 'jars',
    bootstrap: addresses((ports) => ports.client),
    ids: cluster.plans.map(({ id }) => id),
    secure:
      certificate === undefined
        ? undefined
        : {
            sasl: addresses((ports) => ports.secure?.sasl),
            saslTls: addresses((ports) => ports.secure?.saslTls),
            tls: addresses((ports) => ports.secure?.tls),
            ca: certificate.ca,
            ...SASL_USER,
          },
    pid: (index) => cluster.pid(index),
    kill9: (index) => cluster.kill9(index),
    stopBroker: (index) => cluster.stopBroker(index),
    pause: (index) => cluster.pause(index),
    resume: (index) => cluster.resume(index),
    restart: async (index) => {
      await cluster.kill9(index);
      await cluster.startBroker(index);
    },
    output: (index) => cluster.output(index),
    stop: () => cluster.stop(),
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}

/** A Kafka to use and to leave alone. */
export function notOurs(source: Kafka['source'], bootstrap: readonly string[], stop: () => Promise<void>): Kafka {
  const refuse = (): never => {
    throw new Error(`these brokers were not started for this test alone: startKafka({ own: true })`);
  };
  return {
    source,
    bootstrap,
    ids: [],
    secure: undefined,
    pid: refuse,
    kill9: async () => refuse(),
    stopBroker: async () => refuse(),
    pause: refuse,
    resume: refuse,
    restart: async () => refuse(),
    output: refuse,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
