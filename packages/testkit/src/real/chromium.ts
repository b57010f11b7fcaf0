import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import { answers, type RealProcess, startProcess } from './process.ts';
import { tempFolder } from './temp-folder.ts';

// A real headless browser with a profile of its own. Drive it with playwright-core:
//
//   const browser = await chromium.connectOverCDP((await startChromium()).endpoint);

const SOURCE = {
  variable: 'CHROMIUM_BIN',
  names: ['chromium', 'chromium-browser', 'google-chrome'],
  debianPackage: 'chromium',
};

// No sandbox: its setuid helper does not work in containers, and only our own page is opened. The rest keeps the
// browser from talking to anyone but us.
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--no-default-browser-check',
];

export interface Chromium extends AsyncDisposable {
  /** http://127.0.0.1:port, the DevTools protocol. */
  readonly endpoint: string;
  readonly process: RealProcess;
  stop(): Promise<void>;
}

export function findChromium(): string {
  return findProgram(SOURCE);
}

export async function startChromium(): Promise<Chromium> {
  const command = findChromium();
  await using cleanup = new AsyncDisposableStack();
  const profile = cleanup.use(await tempFolder('chromium'));
  let endpoint = '';
  const process = cleanup.use(
    await startProcess({
      name: 'chromium',
      command,
      args: [...ARGS, '--remote-debugging-port=0', `--user-data-dir=${profile.path}`, 'about:blank'],
      async ready() {
        // The browser writes the port it took into its own profile: nobody else's can be mistaken for it.
        const [port] = (await readFile(join(profile.path, 'DevToolsActivePort'), 'utf8')).split('\n');
        endpoint = `http://127.0.0.1:${port}`;
        return answers(`${endpoint}/json/version`);
      },
    }),
  );
  const owned = cleanup.move();
  const stop = () => owned.disposeAsync();
  return { endpoint, process, stop, [Symbol.asyncDispose]: stop };
}
