import { TidemarkError } from '@tidemark/base';
import { nearestOf } from '../config/nearest.ts';
import type { Command, CommandContext } from './command.ts';
import { COMMANDS } from './commands.ts';
import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import type { CompletedCommand } from './completion/words.ts';
import { zshScript } from './completion/zsh.ts';

const SHELLS: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export const completionCommand: Command = {
  name: 'completion',
  summary: 'print a script that completes commands',
  help: `tidemark completion bash|zsh|fish

  Completes commands, options, their values, settings, files, and names of metrics while a Tidemark runs.

  bash   tidemark completion bash > ~/.local/share/bash-completion/completions/tidemark
  zsh    tidemark completion zsh > "${'$'}{fpath[1]}/_tidemark"
  fish   tidemark completion fish > ~/.config/fish/completions/tidemark.fish`,
  options: {},
  words: [{ kind: 'words', words: Object.keys(SHELLS) }],
  run: completion,
};

async function completion({ args, stdout }: CommandContext): Promise<number> {
  const [shell = ''] = args.words;
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (!script) {
    const nearest = nearestOf(shell, Object.keys(SHELLS));
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw new TidemarkError('ARGUMENT_INVALID', `completion takes the name of a shell: bash, zsh or fish${hint}`);
  }
  stdout.write(script(await completedCommands()));
  return 0;
}

async function completedCommands(): Promise<readonly CompletedCommand[]> {
  const shown = Object.entries(COMMANDS).filter(([, { hidden }]) => !hidden);
  return Promise.all(shown.map(async ([name, { summary, load }]) => ({ name, summary, ...shapeOf(await load()) })));
}

function shapeOf({ options, values = {}, words = [] }: Command): Omit<CompletedCommand, 'name' | 'summary'> {
  return {
    words,
    options: [
      ...Object.entries(options).map(([name, kind]) => ({
        name,
        takesValue: kind === 'text',
        ...(values[name] === undefined ? {} : { values: values[name] }),
      })),
      { name: 'help', takesValue: false },
    ],
  };
}
