// vitest's globalSetup (vitest.config.ts): the servers that the files of one run share.
export { holdSharedServers as setup } from './shared.ts';
