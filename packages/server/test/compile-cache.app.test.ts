import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';

// A server that finds all of its sources in the cache loads no TypeScript stripper. `npm start` fills the cache before it starts one
// (scripts/lib/compile-cache.mjs), in the way that is tried here.

const START = fileURLToPath(new URL('../../../scripts/tidemark.mjs', import.meta.url));
const SAY_AT_EXIT = `data:text/javascript,${encodeURIComponent(
  `process.on('exit', () => process.stderr.write(process.moduleLoadList.some((name) => name.includes('amaro/dist')) ? 'STRIPS' : 'READS'))`,
)}`;

test('once the server was loaded, a start reads it from the cache and strips nothing', {
  timeout: 60_000,
}, async () => {
  await using folder = await tempFolder('compile-cache');
  const env = { ...process.env, NODE_COMPILE_CACHE: folder.path, NODE_OPTIONS: `--import=${SAY_AT_EXIT}` };
  const load = async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [START, 'serve', '--help'], { env });
    expect(stdout).toContain('tidemark serve');
    return stderr;
  };
  expect(await load()).toBe('STRIPS');
  expect(await load()).toBe('READS');
});
