// Makes a clone ready: `node scripts/setup.mjs [--test | --servers]`. Runs before `npm start`, `npm test` and
// `npm run kafka-stack`, on any Node >= 20 and with nothing installed; when everything is in place already it takes a fraction of
// a second and says nothing.
//
//   packages     npm ci, when node_modules is missing or the lock file changed
//   the page     vite build, when its sources changed
//   the server   compiled into a cache, when its sources changed
//   programs     with --test: Prometheus, node_exporter, Alertmanager, Chromium (scripts/lib/debian.mjs)
//   servers      with --test or --servers: Kafka, a schema registry, an S3 server (scripts/lib/servers.mjs)
import { buildUi } from './lib/build-ui.mjs';
import { fillCompileCache } from './lib/compile-cache.mjs';
import { providePrograms } from './lib/debian.mjs';
import { installPackages } from './lib/install.mjs';
import { giveUp } from './lib/run.mjs';
import { provideServers } from './lib/servers.mjs';

const NODE_MAJOR_MIN = 20;

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  giveUp(`Setting up takes Node ${NODE_MAJOR_MIN} or newer, and this is ${process.version}.`);
}
await installPackages();
await buildUi();
await fillCompileCache();
if (process.argv.includes('--test')) await Promise.all([providePrograms(), provideServers()]);
else if (process.argv.includes('--servers')) await provideServers({ forTests: false });
