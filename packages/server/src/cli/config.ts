import { TidemarkError } from '@tidemark/base';
import { explainConfig } from '../config/explain.ts';
import { loadConfig } from '../config/load.ts';
import { nearestOf } from '../config/nearest.ts';
import { configJsonSchema } from '../config/schema.ts';
import type { Command } from './command.ts';

export const configCommand: Command = {
  name: 'config',
  summary: 'explain what is configured and why',
  help: `tidemark config explain      every setting: value in force, where it comes from, what it means, its variable
tidemark config schema       JSON Schema of tidemark.yaml, for editors

  The file is tidemark.yaml in the current folder, or what TIDEMARK_CONFIG names.`,
  options: {},
  async run({ args, env, stdout }) {
    const [what] = args.words;
    if (what === 'explain') stdout.write(explainConfig(await loadConfig({ env })));
    else if (what === 'schema') stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
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
