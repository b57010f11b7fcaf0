// Tidemark by role on a real Kafka, schema registry and S3 server, on this machine and without Docker:
//
//   npm run kafka-stack [-- --folder data/kafka-stack --port 9470]
//
//   broker ──> registry, S3 ──> Tidemark's members, each as soon as it can ──> until Ctrl-C, which ends them the other way round
//
// Everything lies in the folder and is there at the next start. A page shows who does what.
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { servePage } from './page.ts';
import { environmentOf, MEMBERS, type Place, type Servers } from './plan.ts';
import { portsFrom } from './ports.ts';
import { RunningFile } from './running-file.ts';
import { startServers } from './servers.ts';
import { Supervised } from './supervisor.ts';
import type { Running } from './watch.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDER = 'data/kafka-stack';
const ASK_EVERY_MS = 250;
const STILL_EVERY_MS = 15_000;

const startedMs = performance.now();
const say = (line: string) =>
  void process.stdout.write(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);

/** At the first signal; later ones change nothing, because npm and the terminal both send theirs. */
let isTold = false;
const told = new Promise<void>((resolve) => {
  const tell = () => {
    isTold = true;
    resolve();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, tell);
});

try {
  await run();
  say('All has ended.');
} catch (error) {
  process.stderr.write(`kafka-stack: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { folder: { type: 'string' }, port: { type: 'string', default: '9470' } } });
  if (!/^\d{1,5}$/.test(values.port)) throw new Error(`--port takes a number, not ${JSON.stringify(values.port)}`);
  const folder = resolve(values.folder ?? join(ROOT, FOLDER));
  mkdirSync(folder, { recursive: true });
  const file = new RunningFile(folder);
  file.claim();
  const ports = await portsFrom(Number(values.port));
  await using parts = new AsyncDisposableStack();
  parts.defer(() => file.remove());
  file.note([{ name: 'stack', pid: process.pid }]);

  say(`Everything lies in ${folder}. Starting a Kafka broker, a schema registry and an S3 server.`);
  let members: Running[] = [];
  const note = () => {
    const started = members.flatMap(({ name, process: { pid } }) => (pid === undefined ? [] : [{ name, pid }]));
    file.note([{ name: 'stack', pid: process.pid }, ...servers.pids(), ...started]);
  };
  const servers = parts.use(await startServers({ folder, ports, say, changed: () => note() }));
  if (isTold) return;
  const config = existsSync(join(folder, 'tidemark.yaml')) ? join(folder, 'tidemark.yaml') : undefined;
  const rules = join(ROOT, 'docker', 'rules', 'tidemark.yaml');
  members = membersOf({ folder, ports, config, rules }, servers.told, note);
  parts.defer(() => stopAll(members));
  for (const { process: each } of members) each.start();
  const page = parts.use(await servePage(ports.get('page') ?? 0, { members, servers }));
  say(`Who does what: ${page.url}`);

  await Promise.race([allReady(members), told]);
  if (!isTold) {
    const at = (name: string) => `http://127.0.0.1:${ports.get(name)}`;
    say(
      `All is ready. Tidemark's page and all reading: ${at('query')}. Pushes: ${at('ingest')}. Alerts: ${at('rules')}/api/v1/alerts.`,
    );
    say(
      `For samples of your own: brokers ${servers.told.brokers}, registry ${servers.told.registryUrl}; see examples/.`,
    );
    say('Ctrl-C ends it all; the next start goes on from there.');
    await told;
  }
  say('Ending.');
}

function membersOf(place: Place, servers: Servers, changed: () => void): Running[] {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('TIDEMARK_') || name === 'TIDEMARK_CACHE',
  );
  return MEMBERS.map((member) => ({
    ...member,
    url: `http://127.0.0.1:${place.ports.get(member.name)}`,
    process: new Supervised(
      member.name,
      {
        command: process.execPath,
        args: [join(ROOT, 'scripts', 'tidemark.mjs'), 'serve'],
        env: { ...Object.fromEntries(inherited), ...environmentOf(member, servers, place) },
        cwd: place.folder,
      },
      { say, changed },
    ),
  }));
}

/** Those that take in first, the stores last: what was acknowledged is read as far as it goes. */
async function stopAll(members: readonly Running[]): Promise<void> {
  const isStore = ({ roles }: Running) => roles.includes('store');
  for (const some of [members.filter((each) => !isStore(each)), members.filter(isStore)])
    await Promise.all(some.map(({ process: each }) => each.stop()));
}

/** Says who becomes ready, and from time to time whom it waits for. */
async function allReady(members: readonly Running[]): Promise<void> {
  const waiting = new Set(members);
  let saidMs = performance.now();
  while (waiting.size > 0 && !isTold) {
    for (const member of waiting) {
      if (!(await isReady(member.url))) continue;
      waiting.delete(member);
      say(`${member.name} is ready: ${member.url}`);
    }
    if (performance.now() - saidMs > STILL_EVERY_MS) {
      saidMs = performance.now();
      say(`Still waiting for ${[...waiting].map(({ name }) => name).join(', ')}.`);
    }
    await Promise.race([new Promise((go) => setTimeout(go, ASK_EVERY_MS)), told]);
  }
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`).then(
    (response) => response.ok,
    () => false, // does not listen yet
  );
}
