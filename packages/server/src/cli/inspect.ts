import { TidemarkError } from '@tidemark/base';
import { loadConfig } from '../config/load.ts';
import type { Command, CommandContext } from './command.ts';
import { inspectFolder, inspectOneFile } from './inspect/folder.ts';
import { inspectJournalFile } from './inspect/journal.ts';
import { inspectTopic } from './inspect/topic.ts';

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'look into a data folder',
  help: `tidemark inspect [folder] [DATA]              what is there, file by file
tidemark inspect journal [DATA]               every frame of the embedded log, with its checksum's verdict
tidemark inspect topic NAME [--last 20]       records of a topic, decoded
tidemark inspect segment FILE                 a sealed segment, whole: series, chunks, times; every checksum is verified
tidemark inspect file FILE                    the same for a manifest, checkpoint or series file

  DATA is the data folder; default: the configured one. Reads only; works while Tidemark runs.`,
  options: { data: 'text', last: 'text' },
  words: [{ kind: 'words', words: ['folder', 'journal', 'topic', 'segment', 'file'] }, { kind: 'files' }],
  values: { data: { kind: 'files' } },
  run: runInspect,
};

async function runInspect(context: CommandContext): Promise<number> {
  const [first = 'folder', second] = context.args.words;
  const say = (line: string) => void context.stdout.write(`${line}\n`);
  const data = async (named?: string) =>
    named ?? context.args.options.get('data') ?? (await loadConfig({ env: context.env })).config.data;
  switch (first) {
    case 'folder':
      return inspectFolder(await data(second), say);
    case 'journal':
      return inspectJournalFile(await data(second), say);
    case 'topic': {
      if (second === undefined)
        throw new TidemarkError('ARGUMENT_INVALID', 'inspect topic needs a name, for example tidemark.1m');
      const last = Number(context.args.options.get('last') ?? 20);
      if (!Number.isInteger(last) || last < 1)
        throw new TidemarkError('ARGUMENT_INVALID', '--last must be a whole number of at least 1');
      return inspectTopic(await data(), second, last, say);
    }
    case 'segment':
    case 'file':
      if (second === undefined) throw new TidemarkError('ARGUMENT_INVALID', `inspect ${first} needs a file`);
      return inspectOneFile(second, say);
    default:
      // `tidemark inspect ./data` is what one types first.
      return inspectFolder(first, say);
  }
}
