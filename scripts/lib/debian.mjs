// Programs for tests that no npm package carries, from Debian: a real Prometheus to agree with, a real node_exporter to
// compare with, a browser to look with.
//
// Servers are unpacked, not installed: `apt-get download` and `dpkg-deb -x` into the cache, so no daemon starts on this
// machine and no root is needed. The layout is <cache>/debian/<package>/usr/bin/<program>, found there by
// packages/testkit/src/real. Chromium needs a hundred libraries of the system's, so it is installed, which takes root.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { onPath } from './on-path.mjs';
import { cacheFolder } from './project.mjs';
import { run, say, tail } from './run.mjs';

const UNPACKED = [
  { package: 'prometheus', programs: ['prometheus', 'promtool'], env: 'PROMETHEUS_BIN' },
  { package: 'prometheus-node-exporter', programs: ['prometheus-node-exporter'], env: 'NODE_EXPORTER_BIN' },
  { package: 'prometheus-alertmanager', programs: ['prometheus-alertmanager', 'amtool'], env: 'ALERTMANAGER_BIN' },
];
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'];

const isRoot = () => process.getuid?.() === 0;

/** Provides what is missing, and says what could not be had. The tests that need it fail by name; others run. */
export async function providePrograms() {
  const missing = UNPACKED.filter((each) => !isProvided(each));
  const needsBrowser = !process.env.CHROMIUM_BIN && !BROWSERS.some(onPath);
  if (missing.length === 0 && !needsBrowser) return;
  if (!onPath('apt-get') || !onPath('dpkg-deb')) {
    const names = [
      ...missing.map((each) => `${each.package} (${each.env})`),
      ...(needsBrowser ? ['chromium (CHROMIUM_BIN)'] : []),
    ];
    say(
      `This is no Debian, so please provide for the tests yourself, on PATH or by the variable: ${names.join(', ')}.`,
    );
    return;
  }
  const apt = new Apt();
  for (const each of missing) await unpack(apt, each);
  if (needsBrowser) await installBrowser(apt);
}

function isProvided({ package: name, programs, env }) {
  return Boolean(process.env[env]) || programs.every(onPath) || existsSync(unpackedFolder(name));
}

const unpackedFolder = (name) => join(cacheFolder, 'debian', name);

async function unpack(apt, { package: name, env }) {
  say(`Fetching ${name} from Debian for the tests; it is unpacked into ${cacheFolder}, not installed.`);
  mkdirSync(join(cacheFolder, 'debian'), { recursive: true });
  const draft = mkdtempSync(join(cacheFolder, 'debian', '.draft-'));
  try {
    const fetched = await apt.run(['download', name], draft);
    const archive = readdirSync(draft).find((file) => file.endsWith('.deb'));
    if (fetched.code !== 0 || archive === undefined) return cannotHave(name, env, fetched.output);
    const unpacked = await run('dpkg-deb', ['-x', join(draft, archive), join(draft, 'files')]);
    if (unpacked.code !== 0) return cannotHave(name, env, unpacked.output);
    // Whole or absent: the folder gets its name only now.
    rmSync(unpackedFolder(name), { recursive: true, force: true });
    renameSync(join(draft, 'files'), unpackedFolder(name));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function installBrowser(apt) {
  if (!isRoot()) {
    say(
      'Chromium is missing and installing it takes root: `sudo apt-get install chromium`, or set CHROMIUM_BIN. The tests that look at the page will fail without it.',
    );
    return;
  }
  say('Installing Chromium from Debian for the tests that look at the page.');
  const { code, output } = await apt.run(['install', '-y', '--no-install-recommends', 'chromium']);
  if (code !== 0) cannotHave('chromium', 'CHROMIUM_BIN', output);
}

function cannotHave(name, env, output) {
  say(`${tail(output, 8)}\n${name} could not be had; the tests that need it will fail. Set ${env} to one you have.`);
}

/** apt-get, with its lists refreshed at most once and only when it asks for something it does not know. */
class Apt {
  #updated = false;

  async run(args, cwd) {
    const first = await this.#once(args, cwd);
    if (first.code === 0 || this.#updated) return first;
    this.#updated = true;
    say('Refreshing the lists of Debian’s packages.');
    const update = await this.#once(['update']);
    if (update.code !== 0) return update;
    return this.#once(args, cwd);
  }

  #once(args, cwd) {
    return run('apt-get', ['-q', ...this.#options(), ...args], {
      cwd,
      env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    });
  }

  /** Without root, apt keeps lists of its own in the cache folder. */
  #options() {
    if (isRoot()) return ['-o', 'APT::Sandbox::User=root', '-o', 'DPkg::Lock::Timeout=120'];
    const state = join(cacheFolder, 'apt');
    for (const folder of ['state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(state, folder), { recursive: true });
    return [
      '-o',
      `Dir::State=${state}/state`,
      '-o',
      `Dir::Cache=${state}/cache`,
      '-o',
      'Dir::State::status=/var/lib/dpkg/status',
    ];
  }
}
