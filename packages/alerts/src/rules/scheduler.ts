import { type Clock, hash32 } from '@tidemark/base';

// When a group is evaluated: every interval, at an offset of its own, so that groups do not all ask at once and a restart
// keeps the times.
//
//   interval   |         |         |         |
//   group a      ^         ^         ^             offset: hash of who it is
//   group b            ^         ^         ^
//
// An evaluation that takes longer than the interval makes the ones it covered be left out, counted; the latest due is then
// done at once, for the time it was due at.

/** In [0, intervalMs). Stable. */
export function slotOffset(identity: string, intervalMs: number): number {
  return Math.floor((hash32(Buffer.from(identity, 'utf8')) / 0x1_0000_0000) * intervalMs);
}

export interface Slots {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly offsetMs: number;
  /** `atMs` is when it was due. Must not throw. */
  tick(atMs: number, signal: AbortSignal): Promise<void>;
  missed(ticks: number): void;
}

/** Ticks until the signal aborts, then rejects with its reason. */
export async function everySlot(slots: Slots, signal: AbortSignal): Promise<void> {
  const { clock, intervalMs } = slots;
  let nextMs = slotBefore(slots) + intervalMs;
  for (;;) {
    const nowMs = clock.nowMs();
    // The wall clock was put back: begin again from there.
    if (nextMs - nowMs > 2 * intervalMs) nextMs = slotBefore(slots) + intervalMs;
    await clock.sleep(Math.max(0, nextMs - nowMs), signal);
    const over = Math.floor((clock.nowMs() - nextMs) / intervalMs);
    if (over > 0) {
      slots.missed(over);
      nextMs += over * intervalMs;
    }
    await slots.tick(nextMs, signal);
    signal.throwIfAborted();
    nextMs += intervalMs;
  }
}

function slotBefore({ clock, intervalMs, offsetMs }: Slots): number {
  return Math.floor((clock.nowMs() - offsetMs) / intervalMs) * intervalMs + offsetMs;
}
