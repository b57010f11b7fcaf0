import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runScript } from './run-script.ts';

// PromQL's truths as scripts of our own (testdata/*.test): every eval must pass, with names removed at once as a stock server does.

const FOLDER = join(import.meta.dirname, '../../testdata');

describe('scripts of our own', () => {
  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.test'))) {
    test(name, async () => {
      const outcomes = await runScript(readFileSync(join(FOLDER, name), 'utf8'));
      expect(outcomes.length).toBeGreaterThan(4);
      const failed = outcomes.filter(({ verdict }) => verdict !== 'pass');
      expect(failed.map(({ line, query, reason }) => `${name}:${line} ${query}: ${reason}`)).toEqual([]);
    });
  }
});
