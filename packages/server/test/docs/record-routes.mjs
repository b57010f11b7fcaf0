// Loaded into a server before anything else (`node --import`): when the process ends, the paths of all routes that it has
// made are in the file that TIDEMARK_TEST_ROUTES names, one a line. Express keeps no list of them.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { Router } = createRequire(import.meta.url)('express');
const { route, use } = Router.prototype;
/** Of each router: the paths of its routes, and where other routers hang. */
const routers = new Map();
const of = (router) => {
  if (!routers.has(router)) routers.set(router, { paths: [], mounts: [] });
  return routers.get(router);
};

Router.prototype.route = function (path) {
  of(this).paths.push(...[path].flat());
  return route.call(this, path);
};
Router.prototype.use = function (...args) {
  const [path, ...handlers] = typeof args[0] === 'function' ? ['', ...args] : args;
  for (const handler of handlers.flat().filter((one) => routers.has(one))) {
    for (const at of [path].flat()) of(this).mounts.push({ at, router: handler });
  }
  return use.apply(this, args);
};

process.on('exit', () => {
  const { TIDEMARK_TEST_ROUTES: file } = process.env;
  if (file === undefined) return;
  const mounted = new Set([...routers.values()].flatMap(({ mounts }) => mounts.map(({ router }) => router)));
  const roots = [...routers.keys()].filter((router) => !mounted.has(router));
  writeFileSync(file, roots.flatMap((router) => pathsOf(router, '')).join('\n'));
});

function pathsOf(router, above) {
  const { paths, mounts } = of(router);
  const below = mounts.flatMap(({ at, router: other }) => pathsOf(other, above + (at === '/' ? '' : at)));
  return [...paths.map((path) => above + path), ...below];
}
