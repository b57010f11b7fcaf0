import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, listensOn } from './port.ts';
import { type RealProcess, startProcess } from './process.ts';
import { cachedServer } from './servers.ts';
import { keptFolder, tempFolder } from './temp-folder.ts';

// A real S3 server (versitygw on a folder), on a free loopback port, with one empty bucket. It starts in a tenth of a second,
// so every file has its own. S3_ENDPOINT with S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY and perhaps S3_REGION names
// another, with that bucket there already; tests keep below `prefix` and remove nothing else.

export interface S3Options {
  /** One of the test's own, to kill and pause, whatever S3_ENDPOINT says. */
  readonly own?: boolean;
  /** Stays when it stops, and may have been another's before. Implies `own`. */
  readonly folder?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Default: `tidemark-test`. */
  readonly bucket?: string;
  /** As in ProcessOptions. */
  readonly detached?: boolean;
}

export interface S3 extends AsyncDisposable {
  readonly source: 'given' | 'process';
  /** http://127.0.0.1:port; buckets are in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Nobody else's: names of objects begin with it. Without a slash at the end. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** `<bucket>.<domain>` as the host means the bucket; undefined: the server may not know any. */
  readonly domain: string | undefined;
  /** Where an object is a file, `<folder>/<key>`, when the server is ours: to be damaged. */
  readonly folder: string | undefined;
  /** The process, when it is ours: to be killed, or sent SIGSTOP. */
  readonly process: RealProcess | undefined;
  /** Starts it again on the same port and data, after it was killed or stopped. Throws when it is not ours. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const REGION = 'us-east-1';
const BUCKET = 'tidemark-test';
// Names below localhost need no name server in most places; where they do, a test says where they lead.
const DOMAIN = 's3.localhost';

export function startS3(options: S3Options = {}): Promise<S3> {
  const endpoint = process.env['S3_ENDPOINT'];
  if (options.own !== true && options.folder === undefined && endpoint) return Promise.resolve(given(endpoint));
  return startProgram(options);
}

function given(endpoint: string): S3 {
  const stop = () => Promise.resolve();
  return {
    source: 'given',
    endpoint,
    region: process.env['S3_REGION'] || REGION,
    bucket: needed('S3_BUCKET'),
    prefix: freshPrefix(),
    accessKeyId: needed('S3_ACCESS_KEY_ID'),
    secretAccessKey: needed('S3_SECRET_ACCESS_KEY'),
    domain: undefined,
    folder: undefined,
    process: undefined,
    restart: () => Promise.reject(new Error('this S3 server was not started by the test: startS3({ own: true })')),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function needed(variable: string): string {
  const value = process.env[variable];
  if (value) return value;
  throw new Error(`S3_ENDPOINT is set and ${variable} is not`);
}

const freshPrefix = () => `run-${randomBytes(6).toString('hex')}`;

async function startProgram(options: S3Options): Promise<S3> {
  const { folder: kept, bucket = BUCKET, detached = false } = options;
  const folder = cachedServer('s3');
  if (folder === undefined) {
    throw new Error(
      'no S3 server: `node scripts/setup.mjs --test` builds one with Go, or set S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
    );
  }
  const data = kept === undefined ? await tempFolder('s3') : keptFolder(kept);
  const port = options.port ?? (await freePort());
  const accessKeyId = 'tidemark';
  const secretAccessKey = randomBytes(12).toString('hex');
  // A folder in the root is a bucket. Metadata lies beside it, because not every file system has extended attributes.
  const root = join(data.path, 'buckets');
  const metadata = join(data.path, 'metadata');
  await mkdir(join(root, bucket), { recursive: true });
  await mkdir(metadata, { recursive: true });
  const start = () =>
    startProcess({
      name: 'versitygw',
      command: join(folder, 'versitygw'),
      detached,
      args: [
        ...['--port', `127.0.0.1:${port}`, '--region', REGION, '--virtual-domain', DOMAIN, '--keep-alive', '--quiet'],
        ...['posix', '--sidecar', metadata, root],
      ],
      env: { PATH: process.env['PATH'], ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
      ready: async ({ pid }) => listensOn(pid, port) && (await speaksHttp(port)),
    });
  let running: RealProcess;
  try {
    running = await start();
  } catch (error) {
    await data[Symbol.asyncDispose]();
    throw error;
  }
  const stop = async () => {
    await running.kill9();
    await data[Symbol.asyncDispose]();
  };
  return {
    source: 'process',
    endpoint: `http://127.0.0.1:${port}`,
    region: REGION,
    bucket,
    prefix: freshPrefix(),
    accessKeyId,
    secretAccessKey,
    domain: DOMAIN,
    folder: join(root, bucket),
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

/** Any answer will do: without credentials it is 403. */
async function speaksHttp(port: number): Promise<boolean> {
  const GIVE_UP_MS = 2000;
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(GIVE_UP_MS) });
  await response.arrayBuffer();
  return true;
}
