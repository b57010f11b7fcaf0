import { spawn } from 'node:child_process';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram } from './find-program.ts';
import { freePort, listensOn } from './port.ts';
import { answers, type RealProcess, startProcess } from './process.ts';
import { tempFolder } from './temp-folder.ts';

// A real Alertmanager on a free loopback port, to agree with, and its amtool.

const SOURCE = {
  variable: 'ALERTMANAGER_BIN',
  names: ['alertmanager', 'prometheus-alertmanager'],
  debianPackage: 'prometheus-alertmanager',
};
const AMTOOL = { variable: 'AMTOOL_BIN', names: ['amtool'], debianPackage: 'prometheus-alertmanager' };

export interface Alertmanager extends AsyncDisposable {
  /** http://127.0.0.1:port */
  readonly url: string;
  readonly process: RealProcess;
}

/** `config`: alertmanager.yml. */
export async function startAlertmanager(config: string): Promise<Alertmanager> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await tempFolder('alertmanager'));
  const command = await runnable(findProgram(SOURCE), folder.path);
  const configFile = join(folder.path, 'alertmanager.yml');
  await writeFile(configFile, config);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const process = cleanup.use(
    await startProcess({
      name: 'alertmanager',
      command,
      args: [
        `--config.file=${configFile}`,
        `--storage.path=${join(folder.path, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
      ],
      cwd: folder.path,
      ready: async ({ pid }) => (await answers(`${url}/-/ready`)) && listensOn(pid, port),
    }),
  );
  const owned = cleanup.move();
  return { url, process, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export function runAmtool(
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(findProgram(AMTOOL), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

// Where Debian's program looks for the templates it brings along; unpacked elsewhere it does not find them and ends.
const DEBIAN_FOLDER = '/usr/share/prometheus/alertmanager';

/**
 * The program, or, for Debian's that was unpacked and not installed, a copy of it that looks for its templates where it is
 * started: the folder's name is replaced by one of the same length.
 */
async function runnable(program: string, folder: string): Promise<string> {
  const shipped = join(dirname(program), '..', 'share', 'prometheus', 'alertmanager');
  const templates = await readdir(shipped).catch(() => []);
  if (templates.length === 0 || shipped === DEBIAN_FOLDER) return program;
  for (const name of templates.filter((each) => each.endsWith('.tmpl'))) {
    await copyFile(join(shipped, name), join(folder, name));
  }
  const bytes = await readFile(program);
  const here = Buffer.from(`.${'/'.repeat(DEBIAN_FOLDER.length - 1)}`);
  for (let at = bytes.indexOf(DEBIAN_FOLDER); at >= 0; at = bytes.indexOf(DEBIAN_FOLDER, at)) here.copy(bytes, at);
  const copy = join(folder, 'alertmanager');
  await writeFile(copy, bytes, { mode: 0o755 });
  return copy;
}
