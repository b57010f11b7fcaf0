import type { Labels } from '../api/types.ts';

/**
 * One of several mounts of the same device: the one with the shortest path (`/` rather than `/etc/hosts`, which containers
 * bind from the same disk). Items without a device are kept as they are.
 */
export function oncePerDevice<T extends { readonly metric: Labels }>(items: readonly T[]): T[] {
  const chosen = new Map<string, T>();
  for (const item of items) {
    const device = item.metric['device'] ?? pathOf(item);
    const before = chosen.get(device);
    if (before === undefined || comesBefore(pathOf(item), pathOf(before))) chosen.set(device, item);
  }
  return [...chosen.values()].sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1));
}

function pathOf(item: { readonly metric: Labels }): string {
  return item.metric['mountpoint'] ?? '';
}

function comesBefore(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}
