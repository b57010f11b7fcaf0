import { rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kafka, notOurs, startKafka } from './kafka/kafka.ts';
import { registryNotOurs, type SchemaRegistry, startSchemaRegistry } from './schema-registry.ts';

// Servers that the test files of one run share, because a Java takes ten seconds to start. They belong to the process that
// runs the files (vitest's own), are started when the first file asks, and end with the run:
//
//   vitest ── globalSetup: holdSharedServers() ── listens on a Unix socket, whose path is TIDEMARK_SHARED_SERVERS
//     ├─ worker: sharedKafka() ──────────── GET /kafka ────> startKafka() once ─> { source, bootstrap }
//     └─ worker: sharedSchemaRegistry() ─── GET /registry ─> startSchemaRegistry() once ─> { source, url }
//
// A file keeps to topics and subjects of names of its own, and kills nothing. Without a holder it gets a server of its own.

const VARIABLE = 'TIDEMARK_SHARED_SERVERS';
const ASK_MS = 180_000;

/** For globalSetup. Starts nothing yet. Returns the teardown. */
export async function holdSharedServers(): Promise<() => Promise<void>> {
  const path = join(tmpdir(), `tidemark-shared-${process.pid}.sock`);
  const started = new Map<string, Promise<Kafka | SchemaRegistry>>();
  const start = { '/kafka': () => startKafka(), '/registry': () => startSchemaRegistry() };
  const server = createServer((question, answer) => {
    const what = question.url as keyof typeof start;
    if (!Object.hasOwn(start, what)) return void answer.writeHead(404).end();
    const running = started.get(what) ?? start[what]();
    started.set(what, running);
    running.then(
      (each) => answer.end(JSON.stringify('url' in each ? { url: each.url, source: each.source } : plain(each))),
      (error: unknown) => answer.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await rm(path, { force: true });
  await listen(server, path);
  process.env[VARIABLE] = path;
  return async () => {
    delete process.env[VARIABLE];
    server.closeAllConnections();
    server.close();
    // One that never started has told the file that asked for it.
    const running = await Promise.allSettled(started.values());
    await Promise.all(running.map((each) => (each.status === 'fulfilled' ? each.value.stop() : undefined)));
  };
}

/** A plain broker, as others of the run have it. Disposing it is right, and stops it only when it is the file's own. */
export async function sharedKafka(): Promise<Kafka> {
  const path = process.env[VARIABLE];
  if (!path) return startKafka();
  const { source, bootstrap } = (await ask(path, '/kafka')) as ReturnType<typeof plain>;
  return notOurs(source, bootstrap, () => Promise.resolve());
}

/** A schema registry, as others of the run have it. */
export async function sharedSchemaRegistry(): Promise<SchemaRegistry> {
  const path = process.env[VARIABLE];
  if (!path) return startSchemaRegistry();
  const { source, url } = (await ask(path, '/registry')) as Pick<SchemaRegistry, 'source' | 'url'>;
  return registryNotOurs(source, url, () => Promise.resolve());
}

const plain = ({ source, bootstrap }: Kafka) => ({ source, bootstrap });

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

/** Rejects with the reason when the server could not be started: the file that asked fails by name. */
function ask(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const question = request({ socketPath, path, timeout: ASK_MS }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.once('error', reject);
      answer.once('end', () => {
        const text = Buffer.concat(pieces).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`the shared server for ${path} could not be started: ${text}`));
      });
    });
    question.once('timeout', () => question.destroy(new Error(`${path} was not there after ${ASK_MS} ms`)));
    question.once('error', reject);
    question.end();
  });
}
