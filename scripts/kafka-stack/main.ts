// Tidemark by role on a real Kafka, schema registry and S3 server, on this machine and without Docker:
//
//   npm run kafka-stack [-- --folder data/kafka-stack --port 9470]
//
//   broker ──> registry ──> S3 ──> stores ──> rollup, ingest, repartition, query, alerts       Ctrl-C ends them, last first
//
// Everything lies in the folder and is there at the next start. http://127.0.0.1:9479 shows who does what.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, startKafka, startS3, startSchemaRegistry } from '@tidemark/testkit/real';
import { servePage } from './page.ts';
import { environmentOf, MEMBERS, type Servers } from './plan.ts';
import { Supervised } from './supervisor.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'packages/server/src/main.ts');
const PAGE_OFFSET = 9;
const READY_MS = 120_000;
const ASK_EVERY_MS = 500;

const { values } = parseArgs({
  options: { folder: { type: 'string', default: 'data/kafka-stack' }, port: { type: 'string', default: '9470' } },
});
const folder = resolve(ROOT, values.folder);
const say = (line: string) => void process.stdout.write(`${line}\n`);
const startedAt = performance.now();
const seconds = () => `${Math.round((performance.now() - startedAt) / 1000)} s`;

await using parts = new AsyncDisposableStack();
mkdirSync(folder, { recursive: true });
say('Starting a Kafka broker, a schema registry and an S3 server.');
const kafka = parts.use(await startKafka({ folder: join(folder, 'kafka') }));
say(`Kafka answers at ${kafka.bootstrap.join(',')} (${seconds()}).`);
const [registry, s3] = await Promise.all([
  startSchemaRegistry({ brokers: kafka.bootstrap.join(',') }).then((each) => parts.use(each)),
  startS3({ folder: join(folder, 's3') }).then((each) => parts.use(each)),
]);
say(`The schema registry answers at ${registry.url}, S3 at ${s3.endpoint} (${seconds()}).`);

const servers: Servers = { brokers: kafka.bootstrap.join(','), registryUrl: registry.url, s3 };
const ports = new Map<string, number>();
for (const { name } of MEMBERS) ports.set(name, name === 'query' ? Number(values.port) : await freePort());
const members = MEMBERS.map((member) => {
  const env = { ...process.env, ...environmentOf(member, servers, { folder, ports }) };
  const command = { command: process.execPath, args: ['-C', 'source', MAIN, 'serve'], env };
  return {
    ...member,
    url: `http://127.0.0.1:${ports.get(member.name)}`,
    process: new Supervised(member.name, command, say),
  };
});
for (const { process: each } of members) parts.defer(() => each.stop());
for (const { process: each } of members) each.start();
const page = await servePage(Number(values.port) + PAGE_OFFSET, {
  members,
  servers: [
    { name: 'Kafka', at: servers.brokers, does: 'Keeps every topic.' },
    { name: 'schema registry', at: registry.url, does: 'Keeps the schemas of those who write samples.' },
    { name: 'S3 server', at: `${s3.endpoint}/${s3.bucket}`, does: 'Keeps sealed segments and their manifests.' },
  ],
});
parts.use(page);
say(`Who does what: ${page.url}`);

const deadline = performance.now() + READY_MS;
for (const member of members) {
  while (!(await isReady(member.url)) && performance.now() < deadline)
    await new Promise((go) => setTimeout(go, ASK_EVERY_MS));
}
say(
  `The page and all reading: http://127.0.0.1:${ports.get('query')}   pushes: http://127.0.0.1:${ports.get('ingest')} (${seconds()})`,
);
say(
  `Write samples yourself: bootstrap ${servers.brokers}, registry ${registry.url}; see examples/. Ctrl-C ends it all.`,
);
await new Promise<void>((end) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end());
});
say('Ending.');

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`).then(
    (response) => response.ok,
    () => false, // not listening yet
  );
}
