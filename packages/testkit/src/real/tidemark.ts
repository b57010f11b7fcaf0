import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, listensOn } from './port.ts';
import { answers, type Exit, type RealProcess, startProcess } from './process.ts';
import { tempFolder } from './temp-folder.ts';

// A real Tidemark process, run from the sources as `npm start` runs it. Nothing of the product is imported here: what a
// test learns, it learns over HTTP.

const PACKAGES = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = join(PACKAGES, 'server', 'src', 'main.ts');

export interface TidemarkOptions {
  /** Where the data lies; kept when the process is disposed. Default: a folder of its own that goes with it. */
  readonly dataFolder?: string;
  /** tidemark.yaml. Default: none. */
  readonly config?: string;
  /** TIDEMARK_SECTION_KEY and whatever else the process shall see. */
  readonly env?: Readonly<Record<string, string>>;
  /** After `serve`. */
  readonly args?: readonly string[];
  /** Default: a free one. */
  readonly port?: number;
  readonly readyMs?: number;
  /** What has to answer 200 before it counts as started. Default: /-/ready. */
  readonly readyPath?: '/-/ready' | '/-/healthy';
}

export interface Tidemark extends AsyncDisposable {
  /** http://127.0.0.1:port */
  readonly url: string;
  readonly port: number;
  readonly dataFolder: string;
  readonly process: RealProcess;
  /** What it wrote so far. */
  readonly logs: string;
  /** SIGTERM, and how it ended; its data stays until this is disposed. */
  stop(): Promise<Exit>;
  /** SIGKILL: whatever it had not made safe is lost, as after a crash. */
  kill9(): Promise<Exit>;
  /** The same command, data and port again; the process must have ended. */
  restart(): Promise<void>;
}

/** Starts `tidemark serve` and resolves when it says it is ready. */
export async function startTidemark(options: TidemarkOptions = {}): Promise<Tidemark> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await tempFolder('server'));
  const port = options.port ?? (await freePort());
  const dataFolder = options.dataFolder ?? join(folder.path, 'data');
  const env: Record<string, string | undefined> = {
    ...withoutTidemark(process.env),
    TIDEMARK_HTTP_LISTEN: `127.0.0.1:${port}`,
    TIDEMARK_DATA: dataFolder,
    // Series of its own would be among those that tests count; one that wants them says so.
    TIDEMARK_COLLECTOR_SELF: 'false',
    // As `npm start` sets it: a test that starts the server twenty times strips and compiles the sources once.
    NODE_COMPILE_CACHE: join(PACKAGES, '..', 'node_modules', '.cache', 'tidemark', 'compile'),
    ...options.env,
  };
  if (options.config !== undefined) {
    env['TIDEMARK_CONFIG'] = join(folder.path, 'tidemark.yaml');
    await writeFile(env['TIDEMARK_CONFIG'], options.config);
  }
  const url = `http://127.0.0.1:${port}`;
  const start = () =>
    startProcess({
      name: 'tidemark',
      command: process.execPath,
      args: ['-C', 'source', MAIN, 'serve', ...(options.args ?? [])],
      env,
      cwd: folder.path,
      ready: async ({ pid }) => (await answers(`${url}${options.readyPath ?? '/-/ready'}`)) && listensOn(pid, port),
      ...(options.readyMs === undefined ? {} : { readyMs: options.readyMs }),
    });
  let current = await start();
  cleanup.defer(async () => {
    await current.stop();
  });
  const owned = cleanup.move();
  return {
    url,
    port,
    dataFolder,
    get process() {
      return current;
    },
    get logs() {
      return current.output;
    },
    stop: () => current.stop(),
    kill9: () => current.kill9(),
    async restart() {
      if (current.exit === undefined) throw new Error('stop() or kill9() comes before restart()');
      current = await start();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Whoever runs the tests may have variables of their own set; the cache folder is no setting of the server. */
function withoutTidemark(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TIDEMARK_')));
}

/** Runs one command of the CLI to its end: `runTidemark(['query', 'up'])`. */
export function runTidemark(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string; readonly cwd?: string } = {},
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, ['-C', 'source', MAIN, ...args], {
    env: { ...withoutTidemark(process.env), ...options.env },
    stdio: 'pipe',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A command that ends without reading all of its input is not the test's mistake.
  child.stdin.on('error', () => child.stdin.destroy());
  child.stdin.end(options.stdin ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
