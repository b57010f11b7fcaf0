import type { Disk } from '@tidemark/base';
import type { Catalog } from './catalog.ts';
import { openLevelStore } from './compacted.ts';
import { corrupt } from './faults.ts';
import { COMPACTED_FOLDER } from './file-name.ts';

/**
 * Opens the stores of compacted topics that have none yet. A disk without a native place (a simulated one) has no stores:
 * there compacted topics stay in the journal whole, and it keeps the files that hold them.
 */
export async function openStores(disk: Disk, folder: string, catalog: Catalog): Promise<void> {
  for (const { id, spec } of catalog.topics) {
    if (!spec.compacted || catalog.stores.has(id)) continue;
    const known = catalog.materialised.get(id);
    if (disk.nativePath) {
      const path = `${folder}/${COMPACTED_FOLDER}/${spec.name}`;
      catalog.stores.set(id, await openLevelStore(disk, path, spec, known));
    } else if (known) {
      throw corrupt(folder, `the store of ${spec.name} cannot be on a disk without a native place`, {
        topic: spec.name,
      });
    }
  }
}
