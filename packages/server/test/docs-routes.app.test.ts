import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startTidemark, type Tidemark, tempFolder } from '@tidemark/testkit/real';
import { afterAll, beforeAll, expect, test } from 'vitest';

// docs/api/README.md lists the routes of a running server: all of them, and nothing else.

const PAGE = join(import.meta.dirname, '..', '..', '..', 'docs', 'api', 'README.md');
const RECORDER = pathToFileURL(join(import.meta.dirname, 'docs', 'record-routes.mjs')).href;
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];

const listed = [...readFileSync(PAGE, 'utf8').matchAll(/^\| ([A-Z, ]+) \| `(\/[^`]*)` \|/gm)].map(
  ([, methods = '', path = '']) => ({ path, methods: methods.split(', ') }),
);

let server: Tidemark;
let routesFile: string;
const cleanup = new AsyncDisposableStack();

beforeAll(async () => {
  routesFile = join(cleanup.use(await tempFolder('routes')).path, 'routes');
  server = await startTidemark({
    env: {
      TIDEMARK_COLLECTOR_HOST: 'false',
      TIDEMARK_TEST_ROUTES: routesFile,
      NODE_OPTIONS: `--import=${RECORDER}`,
    },
  });
  cleanup.use(server);
});
afterAll(() => cleanup.disposeAsync());

test('what is listed is answered, by the methods listed and no others', async () => {
  expect(listed.length).toBeGreaterThan(30);
  const wrong: string[] = [];
  for (const { path, methods } of listed) {
    for (const prefix of prefixesOf(path)) {
      for (const method of METHODS) {
        const there = await isThere(method, `${prefix}${path}`);
        if (there !== methods.includes(method)) wrong.push(`${method} ${prefix}${path} is ${there ? '' : 'not '}there`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('what the server has made a route for is listed', async () => {
  await server.stop();
  const made = (await readFile(routesFile, 'utf8')).split('\n').map(asListed);
  expect(made.length).toBeGreaterThan(30);
  const known = new Set(listed.map(({ path }) => path));
  expect([...new Set(made)].filter((path) => !known.has(path))).toEqual([]);
});

/** Other paths that lead to the same. */
function prefixesOf(path: string): readonly string[] {
  if (/^\/(api\/v1|federate)/.test(path)) return ['', '/prometheus'];
  return path.startsWith('/api/v2') ? ['', '/alertmanager'] : [''];
}

function asListed(path: string): string {
  return path.replace(/^\/(prometheus|alertmanager)\//, '/').replace(/:(\w+)/g, '{$1}');
}

async function isThere(method: string, path: string): Promise<boolean> {
  const filled = path.replace('{name}', 'job').replace('{id}', '6f9619ff-8b86-4011-b42d-00cf4fc964ff');
  const response = await fetch(`${server.url}${filled}`, { method });
  const body = await response.text();
  if (response.status === 405) return false;
  // A silence that nobody made is 404 too, but not for want of a route.
  return response.status !== 404 || !/there is no [A-Z]+ \/|was not found/.test(body);
}
