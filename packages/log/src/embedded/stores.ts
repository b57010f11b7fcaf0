import type { Disk, Logger } from '@tidemark/base';
import type { Catalog } from './catalog.ts';
import { openOrMendStore } from './compacted-rescue.ts';
import { corrupt } from './faults.ts';
import type { LogMetrics } from './metrics.ts';

export interface StoresParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly logger: Logger;
  readonly metrics: LogMetrics;
}

/**
 * Opens the stores of compacted topics that have none yet. A disk without a native place (a simulated one) has no stores:
 * there compacted topics stay in the journal whole, and it keeps the files that hold them.
 */
export async function openStores(parts: StoresParts, catalog: Catalog): Promise<void> {
  const { disk, folder, logger, metrics } = parts;
  const onMended = (topic: string) => metrics.storesMended.with(topic).add();
  for (const { id, spec } of catalog.topics) {
    if (!spec.compacted || catalog.stores.has(id)) continue;
    const known = catalog.materialised.get(id);
    if (disk.nativePath) {
      catalog.stores.set(id, await openOrMendStore({ disk, folder, logger, onMended }, spec, known));
    } else if (known) {
      throw corrupt(folder, `the store of ${spec.name} cannot be on a disk without a native place`, {
        topic: spec.name,
      });
    }
  }
}
