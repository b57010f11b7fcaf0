import { type MetricMetadata, partitionOf } from '@tidemark/model';

// Series find their partition where their labels are first seen (series/directory.ts, series/section-table.ts). Metadata
// goes where the series of its metric go, so that who stores a metric knows its type.

const ENCODER = new TextEncoder();

/** Metadata by partition; undefined where there is none. */
export function partitionMetadata(
  metadata: readonly MetricMetadata[],
  tenantHash: number,
  partitions: number,
): readonly (readonly MetricMetadata[] | undefined)[] {
  const byPartition = new Array<MetricMetadata[] | undefined>(partitions).fill(undefined);
  for (const item of metadata) {
    const name = ENCODER.encode(item.metric);
    const partition = partitionOf(tenantHash, name, 0, name.length, partitions);
    const list = byPartition[partition];
    if (list) list.push(item);
    else byPartition[partition] = [item];
  }
  return byPartition;
}
