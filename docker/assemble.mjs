// Puts together what an image holds: `node docker/assemble.mjs OUT`, in a checkout that has been built.
//
//   OUT/app/node_modules          packages from the registry that the server needs to run, for this machine only
//           packages/NAME/        package.json, dist and avro of each package of ours that it needs
//           packages/ui/dist      the page
//           docker/health.mjs
//   OUT/data                      empty: a volume begins as this folder, with its owner
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const SERVER = 'server';
// What Confluent's client brings for fields encrypted by a key service and for rules in schemas. Ours has neither, and asks it by
// schemaregistry-client.js, which loads none of these.
const KEY_SERVICES = [
  '@azure',
  '@azure-rest',
  '@aws-sdk/client-kms',
  '@bufbuild',
  '@google-cloud',
  'google-auth-library',
  'googleapis',
  'node-vault',
];

const [out] = process.argv.slice(2);
if (out === undefined) {
  process.stderr.write('write it like: node docker/assemble.mjs OUT\n');
  process.exit(2);
}
const app = join(out, 'app');
rmSync(out, { recursive: true, force: true });
mkdirSync(app, { recursive: true });
mkdirSync(join(out, 'data'));

// npm ci wants every manifest that the lock file names; the packages nobody imports go again below.
const manifests = ['package.json', 'package-lock.json', ...globSync('packages/*/package.json', { cwd: root })];
for (const path of manifests) copy(path);
const install = [
  'ci',
  '--omit=dev',
  '--omit=optional',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--prefer-offline',
];
npm([...install, '--workspace', `@tidemark/${SERVER}`]);
rmSync(join(app, 'package-lock.json'));

const needed = closureOf(SERVER);
for (const name of readdirSync(join(app, 'packages'))) {
  if (needed.has(name)) continue;
  rmSync(join(app, 'packages', name), { recursive: true });
  rmSync(join(app, 'node_modules', '@tidemark', name), { force: true });
}
for (const name of needed) {
  const folder = `packages/${name}`;
  if (!existsSync(join(root, folder, 'dist'))) throw new Error(`${folder}/dist is missing: npm run build comes first`);
  copy(`${folder}/dist`, runs);
  if (existsSync(join(root, folder, 'avro'))) copy(`${folder}/avro`);
}
copy('packages/ui/dist');
copy('docker/health.mjs');
copy('LICENSE');
dropFromPackages();

function copy(path, filter = () => true) {
  cpSync(join(root, path), join(app, path), { recursive: true, filter });
}

/** Compiled code, without its tests, types and maps. */
function runs(path) {
  return !/\.(test|bench)\.js$|\.d\.ts$|\.map$|\.tsbuildinfo$/.test(path);
}

/** A package of ours and those it depends on. */
function closureOf(first) {
  const found = new Set();
  const waiting = [first];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    const { dependencies = {} } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
    const ours = Object.keys(dependencies).filter((dependency) => dependency.startsWith('@tidemark/'));
    waiting.push(...ours.map((dependency) => dependency.slice('@tidemark/'.length)));
  }
  return found;
}

/** Binaries for other systems, sources they would be compiled from, tests, types and maps: nothing that is loaded here. */
function dropFromPackages() {
  const modules = [join(app, 'node_modules'), ...globSync(join(app, 'packages', '*', 'node_modules'))];
  for (const folder of modules) {
    for (const path of globSync('**/prebuilds/*', { cwd: folder })) {
      const [platform, architectures = ''] = path.slice(path.lastIndexOf('/') + 1).split(/-(.*)/);
      const fits = platform === process.platform && architectures.split('+').includes(process.arch);
      if (!fits) rmSync(join(folder, path), { recursive: true });
    }
    const unread = '**/*.{ts,cts,mts,map,md,markdown,flow,c,cc,cpp,h,gyp}';
    for (const path of globSync(unread, { cwd: folder })) {
      // A folder of ours is linked: its own files are not of the registry.
      if (!relative(folder, dirname(join(folder, path))).startsWith('@tidemark'))
        rmSync(join(folder, path), { force: true });
    }
    for (const path of globSync('**/*.test.{js,cjs,mjs}', { cwd: folder })) {
      // kafkajs loads its settings for tests whether they are used or not.
      if (!path.endsWith('kafkajs/src/retry/defaults.test.js')) rmSync(join(folder, path));
    }
    for (const name of KEY_SERVICES) rmSync(join(folder, name), { recursive: true, force: true });
    rmSync(join(folder, 'classic-level', 'deps'), { recursive: true, force: true });
    for (const path of globSync('**/.bin', { cwd: folder })) rmSync(join(folder, path), { recursive: true });
  }
}

function npm(args) {
  const { status, error } = spawnSync('npm', args, { cwd: app, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`);
}
