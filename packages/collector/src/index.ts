export { type HostCollector, type HostCollectorOptions, startHostCollector } from './host/host-collector.ts';
export { type FilesystemNumbers, type HostFiles, nodeHostFiles } from './host/host-files.ts';
