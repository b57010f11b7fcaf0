import { logConformance } from '../src/conformance/suite.ts';
import { FolderWorld, SimDiskWorld } from './embedded-worlds.ts';

// On a simulated disk there is no LevelDB: compacted topics stay in the journal whole.
logConformance(
  'embedded, simulated disk',
  { identity: true, crash: true, compaction: false, sessions: false, releases: true, countsGroups: true },
  async () => new SimDiskWorld(),
);

logConformance(
  'embedded, real folder',
  { identity: true, crash: true, compaction: true, sessions: false, releases: true, countsGroups: true },
  () => FolderWorld.make(),
);
