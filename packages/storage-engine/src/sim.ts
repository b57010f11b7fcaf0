export { S3ObjectStore } from './object-store/s3/s3-object-store.ts';
export { NO_S3_FAULTS, type S3Faults, SimS3Requests } from './object-store/s3/sim-requests.ts';
export { type ObjectFaults, SimObjectStore } from './object-store/sim.ts';
export { MemoryLevelStores } from './partition/memory-level-store.ts';
export { SimLevelStores } from './partition/sim-level-stores.ts';
