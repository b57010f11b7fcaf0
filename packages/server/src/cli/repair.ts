import { nodeDisk, TidemarkError } from '@tidemark/base';
import { type DamagedStore, examineJournal, type JournalReport, repairJournal } from '@tidemark/log';
import { loadConfig } from '../config/load.ts';
import type { Command, CommandContext } from './command.ts';

export const repairCommand: Command = {
  name: 'repair',
  summary: 'say what is damaged in the embedded log, and cut it there',
  help: `tidemark repair [DATA]          what is damaged, and what a cut would lose; changes nothing
tidemark repair [DATA] --cut    cuts the journal at the damage; what is taken away is kept in DATA/log/damaged-N. A damaged store
                                of a compacted topic is made anew of the records that can be read

  DATA is the data folder; default: the configured one. Tidemark must not run on it. Exit code 0: the journal is whole (now);
  1: it is damaged. Try first to put the folder back from a copy: what is behind the damage is lost by the cut.
  Offsets go on above all that were ever given out, so stored data and consumers' positions stay right.`,
  options: { cut: 'flag' },
  words: [{ kind: 'files' }],
  run: runRepair,
};

// The folder of the log in the data folder.
const FOLDER = 'log';

async function runRepair(context: CommandContext): Promise<number> {
  const [named, ...more] = context.args.words;
  if (more.length > 0)
    throw new TidemarkError('ARGUMENT_INVALID', `repair takes one folder, not ${more.join(' ')} too`);
  const data = named ?? (await loadConfig({ env: context.env })).config.data;
  const disk = nodeDisk(data);
  if (!(await disk.list('')).includes(`${FOLDER}/`)) {
    throw new TidemarkError('DATA_MISSING', `there is no log in ${data}; name the data folder`, { data });
  }
  const cut = context.args.options.has('cut');
  const report = await (cut ? repairJournal : examineJournal)({ disk, folder: FOLDER });
  for (const line of linesOf(report, cut)) context.stdout.write(`${line}\n`);
  const isWhole = report.damage === undefined || report.keptIn !== undefined;
  return isWhole && report.damagedStores.every(({ mended }) => mended !== undefined) ? 0 : 1;
}

function linesOfStore({ topic, reason, records, mended }: DamagedStore, cut: boolean): string[] {
  const lines = [`the store of ${topic} is damaged: ${reason}`];
  if (mended !== undefined) {
    const of = records === undefined ? '' : ` of the ${records} there were`;
    lines.push(
      `  made anew with ${mended.records} records${of}; as it was it is kept in ${mended.keptIn}`,
      '  a key whose last record is lost may have the one before it, or be back though it was deleted',
    );
  } else if (cut) lines.push('  nothing could be made of it; put the folder back from a copy');
  else
    lines.push(
      '  a start mends it by itself if nothing is missing; else put the folder back from a copy, or: tidemark repair --cut',
    );
  return lines;
}

function linesOf(report: JournalReport, cut: boolean): string[] {
  const { behindBytes, damage, damagedStores, keptIn, partitions, positions, tornBytes, unreadableBytes } = report;
  const lines: string[] = [];
  for (const damaged of damagedStores) lines.push(...linesOfStore(damaged, cut));
  if (!damage) {
    lines.push('the journal is whole');
    if (tornBytes > 0)
      lines.push(`${tornBytes} bytes of a torn write at its end were never acknowledged; the next start cuts them off`);
    return lines;
  }
  lines.push(`${damage.file} at byte ${damage.position}: damaged`, `  ${damage.reason}`);
  lines.push(`${behindBytes} bytes lie behind the damage, ${unreadableBytes} of them unreadable`);
  const lost = partitions.filter(({ keptEnd, knownEnd }) => knownEnd > keptEnd);
  if (lost.length === 0) lines.push('no records are known to be lost');
  for (const { topic, partition, keptEnd, knownEnd, readable } of lost) {
    const read = positions.filter((p) => p.topic === topic && p.partition === partition);
    const groups =
      read.map(({ group, offset }) => `${group} had read up to ${offset}`).join(', ') || 'nobody had read it';
    lines.push(
      `${cut ? 'lost' : 'would be lost'}: ${topic}/${partition} offsets ${keptEnd} to ${knownEnd - 1}, ${readable} of them still readable; ${groups}`,
    );
  }
  if (unreadableBytes > 0) lines.push('the unreadable bytes may have held more records, of any topic');
  for (const { topic, partition, continuesAt } of partitions) {
    lines.push(`${topic}/${partition} ${cut ? 'goes' : 'would go'} on at ${continuesAt}`);
  }
  lines.push(
    keptIn === undefined
      ? 'nothing was changed; put the folder back from a copy, or cut: tidemark repair --cut'
      : `the journal was cut; what was taken away is kept in ${keptIn}`,
  );
  return lines;
}
