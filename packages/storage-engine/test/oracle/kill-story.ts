// What the log of the kill test says: records as a pure function of their offset, so that both sides know them without
// telling each other. No product code here.

export const STORY_START_MS = 1_700_000_000_000;
/** A record covers this much time; 96 make a window of two hours. */
export const RECORD_MS = 75_000;
const SERIES = 12;

export interface StoryPoint {
  readonly series: number;
  readonly atMs: number;
  readonly value: number;
}

export function storyTime(offset: number): number {
  return STORY_START_MS + offset * RECORD_MS;
}

export function storyPoints(offset: number): StoryPoint[] {
  const points: StoryPoint[] = [];
  for (let series = 0; series < SERIES; series++) {
    for (let i = 0; i < 5; i++) {
      points.push({ series, atMs: storyTime(offset) + i * 15_000, value: offset * 5 + i + series / 4 });
    }
  }
  // Every seventh record brings something late: inside the window, inside grace, and long sealed. Some of it is new, some
  // replaces what was there.
  if (offset % 7 === 0) {
    for (const backMs of [5 * 60_000, 45 * 60_000, 7 * 3_600_000]) {
      points.push({ series: offset % SERIES, atMs: storyTime(offset) - backMs, value: -offset - 1 });
      points.push({ series: (offset + 1) % SERIES, atMs: storyTime(offset) - backMs + 1, value: -offset - 1 });
    }
  }
  return points;
}
