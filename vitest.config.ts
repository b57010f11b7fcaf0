import { defineConfig } from 'vitest/config';
import { CountReporter } from './scripts/count-reporter.ts';
import { plantedBug } from './scripts/planted/plugin.ts';

// The workspaces are resolved to their TypeScript sources (the `source` condition in each package.json), so tests never
// run against a stale dist/. Two workers: whole-process tests start servers of their own, and the smallest machine we
// promise to be pleasant on has two cores.
// Not `import`: these reach the workers' Node too, where `require` would then be given ES modules.
const conditions = ['source', 'node', 'development|production'];

const ALL = ['packages/**/*.test.ts', 'docker/**/*.test.ts', 'scripts/**/*.test.ts'];
// TIDEMARK_TEST_WITHOUT=app,sim leaves those kinds out: vitest's own --exclude does not reach projects.
const WITHOUT = (process.env['TIDEMARK_TEST_WITHOUT'] ?? '').split(',').filter((kind) => kind !== '');
const NEVER = ['**/node_modules/**', '**/dist/**', ...WITHOUT.map((kind) => `**/*.${kind}.test.ts`)];
// Files against a real Kafka, schema registry or S3 server: one after the other, behind all others, because three brokers
// are three Javas. A machine that is busy with those needs more time for everything.
const SERVERS = ['{packages,scripts}/**/*.{kafka,s3}.test.ts'];

// TIDEMARK_PLANT=<name> plants a bug in the sources as tests see them (scripts/planted/): `npm run planted`.
const PLANT = process.env['TIDEMARK_PLANT'] ?? '';

export default defineConfig({
  plugins: PLANT === '' ? [] : [plantedBug(PLANT)],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ALL,
          exclude: [...NEVER, ...SERVERS],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: SERVERS,
          exclude: NEVER,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          // A broker and a schema registry that files share; nothing is started before one asks.
          globalSetup: 'packages/testkit/src/real/shared-setup.ts',
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
    // What vitest keeps of transformed sources on the disk must not have a bug in it, nor hide one.
    fsModuleCache: PLANT === '',
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A test that needs a second try is a bug in the test or in us. What CI does then: scripts/lib/vitest.mjs.
    retry: 0,
    // One second, vitest's own, is not enough for a browser or a server on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', new CountReporter()],
  },
});
