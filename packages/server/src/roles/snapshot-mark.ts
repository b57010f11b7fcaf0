import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, TidemarkError } from '@tidemark/base';

// A snapshot of a Tidemark whose sealed data lies in a bucket says so, in a file of its own: started on that same bucket it would write
// into what the other one goes on writing, and its log, which ends earlier, would give offsets again that are sealed there already.

const FILE = 'SNAPSHOT';

/** `shown`: where the objects lay. */
export async function markSnapshot(folder: string, shown: string): Promise<void> {
  await writeFile(join(folder, FILE), `tidemark snapshot\nobjects: ${shown}\n`, { flag: 'wx' });
}

/** Throws `SNAPSHOT_OF_BUCKET`. */
export async function refuseSnapshotOf(disk: Disk, dataFolder: string, shown: string): Promise<void> {
  if (!(await disk.exists(FILE))) return;
  const was = /^objects: (.*)$/m.exec(Buffer.from(await disk.read(FILE)).toString('utf8'))?.[1];
  if (was !== shown) return;
  throw new TidemarkError(
    'SNAPSHOT_OF_BUCKET',
    `${dataFolder} is a snapshot of a Tidemark that keeps its sealed data in ${shown}; the snapshot has it in its own objects/. Set store.objects to nothing (TIDEMARK_STORE_OBJECTS=), or to a new place that objects/ was copied to. If that other Tidemark is gone for good and the log is on brokers, remove ${dataFolder}/${FILE}`,
    { folder: dataFolder, objects: shown },
  );
}
