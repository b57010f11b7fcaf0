import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, listensOn } from '../port.ts';
import { type RealProcess, runProgram, startProcess } from '../process.ts';
import { keptFolder, type TempFolder, tempFolder } from '../temp-folder.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { clusterMetadata } from './metadata.ts';
import { type BrokerPlan, type BrokerPorts, brokerProperties, SASL_USER } from './properties.ts';

// Brokers started from Kafka's jars, one Java process each, all in one folder. It goes with them, or stays where it is given:
//
//   <folder>/<id>/server.properties   <folder>/<id>/log/   <folder>/broker.pem   <folder>/cluster-id
//
//   plan ports ─> format (once, copied to the others) ─> start all ─> each answers with our cluster id and knows all brokers

export interface JarOptions {
  readonly brokers: number;
  readonly secure: boolean;
  readonly certificateNames: readonly string[] | undefined;
  readonly config: Readonly<Record<string, string>>;
  readonly heapMb: number;
  /** Stays when they stop; brokers that were there before go on with what they had, on other ports. */
  readonly folder: string | undefined;
  /** Of the first broker's plain listener; undefined: a free one. */
  readonly port: number | undefined;
  readonly detached: boolean;
}

const READY_MS = 120_000;
const STOP_MS = 60_000;
const FORMAT_MS = 60_000;
// Short lives: the optimising compiler and parallel collection cost more than they give back, on two cores that tests share.
const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Dorg.apache.logging.log4j.level=WARN'];

export class JarCluster {
  readonly plans: readonly BrokerPlan[];
  readonly certificate: Certificate | undefined;
  readonly #clusterId: string;
  readonly #folder: TempFolder;
  readonly #java: readonly string[];
  readonly #processes: (RealProcess | undefined)[];
  readonly #detached: boolean;

  private constructor(
    clusterId: string,
    folder: TempFolder,
    java: readonly string[],
    plans: BrokerPlan[],
    detached: boolean,
    certificate?: Certificate,
  ) {
    this.#detached = detached;
    this.#clusterId = clusterId;
    this.#folder = folder;
    this.#java = java;
    this.plans = plans;
    this.certificate = certificate;
    this.#processes = plans.map(() => undefined);
  }

  static async start(jars: string, options: JarOptions): Promise<JarCluster> {
    const folder = options.folder === undefined ? await tempFolder('kafka') : keptFolder(options.folder);
    const java = [...JVM, `-Xmx${options.heapMb}m`, '-cp', join(jars, '*')];
    try {
      await mkdir(folder.path, { recursive: true });
      const idFile = join(folder.path, 'cluster-id');
      const isNew = !existsSync(idFile);
      const clusterId = isNew ? kafkaUuid() : await readFile(idFile, 'utf8');
      const certificate = options.secure ? await makeCertificate(folder.path, options.certificateNames) : undefined;
      const plans = await makePlans(folder.path, options, certificate?.file);
      await writeProperties(plans);
      if (isNew) await format(java, clusterId, plans, options.secure);
      await writeFile(idFile, clusterId);
      const cluster = new JarCluster(clusterId, folder, java, plans, options.detached, certificate);
      try {
        await Promise.all(plans.map((_, i) => cluster.startBroker(i)));
      } catch (error) {
        await cluster.stop();
        throw error;
      }
      return cluster;
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  pid(index: number): number {
    return this.#running(index).pid;
  }

  /** Starts the broker, or starts it again where it was, and waits until all brokers that run know it. */
  async startBroker(index: number): Promise<void> {
    const plan = this.#plan(index);
    if (this.#processes[index]?.exit === undefined && this.#processes[index] !== undefined)
      throw new Error(`broker ${index} runs already`);
    this.#processes[index] = await startProcess({
      name: `kafka broker ${plan.id}`,
      command: 'java',
      args: [...this.#java, 'kafka.Kafka', join(plan.folder, 'server.properties')],
      cwd: plan.folder,
      detached: this.#detached,
      readyMs: READY_MS,
      stopMs: STOP_MS,
      ready: async ({ pid }) => listensOn(pid, plan.ports.client) && (await this.#knows(plan, plan.id)),
    });
  }

  async #knows(asked: BrokerPlan, id: number): Promise<boolean> {
    const { clusterId, brokers } = await clusterMetadata('127.0.0.1', asked.ports.client);
    return clusterId === this.#clusterId && brokers.some((broker) => broker.id === id);
  }

  async stopBroker(index: number): Promise<void> {
    this.#running(index).signal('SIGCONT');
    await this.#running(index).stop();
  }

  async kill9(index: number): Promise<void> {
    await this.#running(index).kill9();
  }

  pause(index: number): void {
    this.#running(index).signal('SIGSTOP');
  }

  resume(index: number): void {
    this.#running(index).signal('SIGCONT');
  }

  /** What the broker wrote: warnings and errors. */
  output(index: number): string {
    return this.#processes[index]?.output ?? '';
  }

  /** Ends them all. Where data goes with it nobody waits for a tidy end: brokers of a quorum would wait for each other. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((each) => (this.#folder.stays ? each?.stop() : each?.kill9())));
    await this.#folder[Symbol.asyncDispose]();
  }

  #plan(index: number): BrokerPlan {
    const plan = this.plans[index];
    if (plan === undefined) throw new Error(`there is no broker ${index}: there are ${this.plans.length}`);
    return plan;
  }

  #running(index: number): RealProcess {
    this.#plan(index);
    const running = this.#processes[index];
    if (running === undefined) throw new Error(`broker ${index} was not started`);
    return running;
  }
}

/** As Kafka makes them: none that looks like an option on a command line. */
function kafkaUuid(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

async function makePlans(folder: string, options: JarOptions, pem: string | undefined): Promise<BrokerPlan[]> {
  const ids = Array.from({ length: options.brokers }, (_, i) => i + 1);
  const ports = await Promise.all(ids.map((id) => freePorts(options.secure, id === 1 ? options.port : undefined)));
  const controllers = ids.map((id, i) => ({ id, port: (ports[i] as BrokerPorts).controller }));
  return ids.map((id, i) => ({
    id,
    ports: ports[i] as BrokerPorts,
    controllers,
    folder: join(folder, String(id)),
    pem,
    config: options.config,
  }));
}

async function freePorts(secure: boolean, given: number | undefined): Promise<BrokerPorts> {
  const count = secure ? 5 : 2;
  const [free = 0, controller = 0, sasl = 0, saslTls = 0, tls = 0] = await Promise.all(
    Array.from({ length: count }, () => freePort()),
  );
  return { client: given ?? free, controller, secure: secure ? { sasl, saslTls, tls } : undefined };
}

async function writeProperties(plans: readonly BrokerPlan[]): Promise<void> {
  for (const plan of plans) {
    await mkdir(plan.folder, { recursive: true });
    await writeFile(join(plan.folder, 'server.properties'), brokerProperties(plan));
  }
}

/** Formats the first broker's folder and gives the others copies under their own ids: a Java less for each. */
async function format(java: readonly string[], clusterId: string, plans: readonly BrokerPlan[], secure: boolean) {
  const [first, ...others] = plans as [BrokerPlan, ...BrokerPlan[]];
  // What a formatting that was cut off has left.
  for (const { folder } of plans) await rm(join(folder, 'log'), { recursive: true, force: true });
  const { username, password } = SASL_USER;
  const scram = secure
    ? ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((each) => [
        '--add-scram',
        `${each}=[name=${username},password=${password}]`,
      ])
    : [];
  const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', join(first.folder, 'server.properties')];
  await runProgram('java', [...java, ...tool, ...scram], { timeoutMs: FORMAT_MS });
  const meta = await readFile(join(first.folder, 'log', 'meta.properties'), 'utf8');
  for (const { id, folder } of others) {
    await cp(join(first.folder, 'log'), join(folder, 'log'), { recursive: true });
    const own = meta
      .replace(/^node\.id=.*$/m, `node.id=${id}`)
      .replace(/^directory\.id=.*$/m, `directory.id=${kafkaUuid()}`);
    await writeFile(join(folder, 'log', 'meta.properties'), own);
  }
}
