import type { Receiver } from './receiver.ts';
import type { Writer } from './writer.ts';

// The flag that a rule watches: what it does next depends on what the receiver was told last.

/** Up when the last alert was told to be over, down when it was told to fire; else it stays. */
export function moveFlag(writer: Writer, receiver: Receiver): void {
  writer.flag = receiver.newest?.status === 'firing' ? 0 : 1;
}

/** Sends on until whatever fires was told to fire, and to be over, each within so long. */
export async function endAlert(url: string, writer: Writer, receiver: Receiver, withinMs: number): Promise<void> {
  for (const wanted of ['firing', 'resolved'] as const) {
    if (wanted === 'firing' && writer.flag === 0) continue;
    writer.flag = wanted === 'firing' ? 1 : 0;
    const deadline = performance.now() + withinMs;
    while (receiver.newest?.status !== wanted) {
      if (performance.now() > deadline) throw new Error(`nobody was told that the alert is ${wanted}`);
      await writer.send(url);
    }
  }
}
