import type { Column } from './columns.ts';

/** An SVG path for `values` in a box; gaps lift the pen. A flat line runs through its middle, zeros along its bottom. */
export function sparklinePath(values: Column, width: number, height: number): string {
  const present = values.filter((value) => value !== null);
  const high = Math.max(...present);
  // At least a tenth of the value fills the box, so that a disk's usage does not look like a cliff after losing a kilobyte.
  const extent = Math.max(high - Math.min(...present), Math.abs(high) * 0.1);
  const low = (high + Math.min(...present) - extent) / 2;
  const stepX = width / Math.max(1, values.length - 1);
  let path = '';
  let pen = 'M';
  values.forEach((value, i) => {
    if (value === null) {
      pen = 'M';
      return;
    }
    const y = extent === 0 ? height : height - ((value - low) / extent) * height;
    path += `${pen}${(i * stepX).toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  });
  return path;
}
