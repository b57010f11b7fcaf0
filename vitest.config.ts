import { defineConfig } from 'vitest/config';
import { CountReporter } from './scripts/count-reporter.ts';

// The workspaces are resolved to their TypeScript sources (the `source` condition in each package.json), so tests never
// run against a stale dist/. Two workers: whole-process tests start servers of their own, and the smallest machine we
// promise to be pleasant on has two cores.
// Not `import`: these reach the workers' Node too, where `require` would then be given ES modules.
const conditions = ['source', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/**/*.test.ts', 'docker/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    environment: 'node',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A test that needs a second try is a bug in the test or in us.
    retry: 0,
    // One second, vitest's own, is not enough for a browser or a server on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    reporters: ['default', new CountReporter()],
  },
});
