import { nodeDisk } from '@tidemark/base';
import { inspectJournal } from '@tidemark/log';

/** Every frame; 1 when one is bad. */
export async function inspectJournalFile(data: string, say: (line: string) => void): Promise<number> {
  let bad = 0;
  let frames = 0;
  for await (const frame of inspectJournal(nodeDisk(data), 'log')) {
    frames++;
    if (frame.state === 'bad') {
      bad++;
      say(`${frame.file} at ${frame.position}: BAD: ${frame.reason}`);
      continue;
    }
    const runs = frame.records.map((run) => `${run.topic}/${run.partition} ${run.firstOffset}+${run.count}`);
    const when = frame.timestampMs === undefined ? '' : ` ${new Date(frame.timestampMs).toISOString()}`;
    say(`${frame.file} at ${frame.position}: ${frame.kind} ${frame.bytes} bytes${when} ${runs.join(', ')}`.trimEnd());
  }
  say(`${frames} frames, ${bad} bad`);
  return bad === 0 ? 0 : 1;
}
