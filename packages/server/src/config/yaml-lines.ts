import { type Document, isMap, isNode, isScalar, isSeq, type LineCounter } from 'yaml';

/** The line of the key that names a node (of the item, in a list), or of the nearest one around it. */
export function lineOf(document: Document, lines: LineCounter, path: readonly string[]): number {
  let found = 0;
  let at: unknown = document.contents;
  for (const part of path) {
    if (isMap(at)) {
      const pair = at.items.find((item) => isScalar(item.key) && String(item.key.value) === part);
      if (!pair || !isScalar(pair.key)) break;
      found = pair.key.range?.[0] ?? found;
      at = pair.value;
    } else if (isSeq(at)) {
      const item = at.items[Number(part)];
      if (!isNode(item)) break;
      found = item.range?.[0] ?? found;
      at = item;
    } else break;
  }
  return lines.linePos(found).line;
}
