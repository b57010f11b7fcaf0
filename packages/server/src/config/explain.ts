import { LEAVES } from './leaves.ts';
import type { LoadedConfig } from './load.ts';
import { shownValue } from './show.ts';

/** What is in force and why, a setting a line: value, where it comes from, what it means, which variable overrides it. */
export function explainConfig(loaded: LoadedConfig): string {
  const lines = [
    loaded.file === undefined
      ? '# no configuration file; defaults and environment'
      : `# configuration file: ${loaded.file}`,
  ];
  for (const leaf of LEAVES) {
    const path = leaf.path.join('.');
    lines.push(
      '',
      `# ${leaf.about}`,
      `# ${loaded.origins.get(path) ?? 'default'}; override with ${leaf.variable}`,
      `${path}: ${JSON.stringify(shownValue(leaf, loaded))}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
