// The two stages that read the sources without running them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectNode, root } from './project.mjs';
import { run } from './run.mjs';

/** @typedef {{ name: string, ok: boolean, output: string }} Stage */

/** Types of everything: packages by their references, then tests outside src, then the page. @returns {Promise<Stage>} */
export async function checkTypes() {
  const projects = [['--build'], ['-p', 'tsconfig.test.json']];
  if (existsSync(join(root, 'packages', 'ui', 'tsconfig.json'))) projects.push(['-p', 'packages/ui', '--noEmit']);
  const outputs = [];
  for (const project of projects) outputs.push(await tool('typescript', 'bin/tsc', [...project, '--pretty', 'false']));
  return stage('Types', outputs);
}

/** Lint, format and import order of everything. @returns {Promise<Stage>} */
export async function checkLint() {
  return stage('Lint', [await tool('@biomejs/biome', 'bin/biome', ['check', '--max-diagnostics=200', '.'])]);
}

function stage(name, ran) {
  const failed = ran.filter(({ code }) => code !== 0);
  return { name, ok: failed.length === 0, output: failed.map(({ output }) => output).join('\n') };
}

function tool(packageName, path, args) {
  return run(projectNode(), [join(root, 'node_modules', packageName, path), ...args]);
}
