// The page: built from packages/ui into packages/ui/dist when its sources, or the packages it is made of, changed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './project.mjs';
import { giveUp, run, say, tail } from './run.mjs';
import { hashOf, readStamp, writeStamp } from './stamp.mjs';

const SOURCES = ['index.html', 'package.json', 'tsconfig.json', 'vite.config.ts', 'public', 'src'];

export async function buildUi() {
  const folder = join(root, 'packages', 'ui');
  if (!existsSync(join(folder, 'index.html'))) return;
  const stampFile = join(root, 'node_modules', '.cache', 'tidemark', 'ui');
  const wanted = hashOf(folder, SOURCES, hashOf(root, ['package-lock.json']));
  if (readStamp(stampFile) === wanted && existsSync(join(folder, 'dist', 'index.html'))) return;
  say('Building the page.');
  const startedAt = performance.now();
  const { code, output } = await run('npm', ['run', 'build', '-w', '@tidemark/ui']);
  if (code !== 0) giveUp('The page does not build; what vite said is above.', tail(output, 60));
  writeStamp(stampFile, wanted);
  say(`The page is built (${((performance.now() - startedAt) / 1000).toFixed(1)} s).`);
}
