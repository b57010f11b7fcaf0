import { TidemarkError } from '@tidemark/base';
import { explainConfig, isAtOrBelow } from '../config/explain.ts';
import { LEAVES } from '../config/leaves.ts';
import { loadConfig } from '../config/load.ts';
import { nearestOf } from '../config/nearest.ts';
import { configJsonSchema } from '../config/schema.ts';
import type { Command } from './command.ts';

export const configCommand: Command = {
  name: 'config',
  summary: 'explain what is configured and why',
  help: `tidemark config explain [SETTING...]   every setting, or those that begin so: value in force, where it comes from,
                                       what it means, its variable
tidemark config schema                 JSON Schema of tidemark.yaml, for editors

  The file is tidemark.yaml in the current folder, or what TIDEMARK_CONFIG names.`,
  options: {},
  words: [
    { kind: 'words', words: ['explain', 'schema'] },
    { kind: 'words', words: LEAVES.map(({ path }) => path.join('.')) },
  ],
  async run({ args, env, stdout }) {
    const [what, ...settings] = args.words;
    if (what === 'explain') {
      checkSettings(settings);
      stdout.write(explainConfig(await loadConfig({ env }), settings));
    } else if (what === 'schema') stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    else {
      const nearest = nearestOf(what ?? '', ['explain', 'schema']);
      throw new TidemarkError(
        'ARGUMENT_INVALID',
        `config takes one word: explain or schema${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
      );
    }
    return 0;
  },
};

/** Throws `ARGUMENT_INVALID` for one that names no setting and no section. */
function checkSettings(settings: readonly string[]): void {
  const known = LEAVES.map(({ path }) => path.join('.'));
  for (const setting of settings) {
    if (known.some((path) => isAtOrBelow(path, setting))) continue;
    const nearest = nearestOf(setting, known);
    const hint = nearest === undefined ? 'tidemark config explain lists them' : `did you mean ${nearest}?`;
    throw new TidemarkError('ARGUMENT_INVALID', `there is no setting ${setting}; ${hint}`, { setting });
  }
}
