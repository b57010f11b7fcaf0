import { LEAVES } from './leaves.ts';
import type { LoadedConfig } from './load.ts';
import { shownValue } from './show.ts';

/**
 * What is in force and why, a setting a line: value, where it comes from, what it means, which variable overrides it.
 * `wanted`: settings or sections; none means all.
 */
export function explainConfig(loaded: LoadedConfig, wanted: readonly string[] = []): string {
  const lines = [
    loaded.file === undefined
      ? '# no configuration file; defaults and environment'
      : `# configuration file: ${loaded.file}`,
  ];
  for (const leaf of LEAVES) {
    const path = leaf.path.join('.');
    if (wanted.length > 0 && !wanted.some((setting) => isAtOrBelow(path, setting))) continue;
    lines.push(
      '',
      `# ${leaf.about}`,
      `# ${loaded.origins.get(path) ?? 'default'}; override with ${leaf.variable}`,
      `${path}: ${JSON.stringify(shownValue(leaf, loaded))}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Whether `path` is the setting, or of the section, that `setting` names: `store`, `store.retentionRaw`. */
export function isAtOrBelow(path: string, setting: string): boolean {
  return path === setting || path.startsWith(`${setting.replace(/\.$/, '')}.`);
}
