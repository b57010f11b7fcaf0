/** A label value as a PromQL string. JSON's escapes are a subset of PromQL's. */
export function quoted(value: string): string {
  return JSON.stringify(value);
}

/** `{instance="host",more}`: the matchers that pick one host's series. */
export function ofHost(host: string, more = ''): string {
  return `{instance=${quoted(host)}${more === '' ? '' : `,${more}`}}`;
}

// What is no disk, no interface and no file system in a person's sense: memory disks, loops, device-mapper layers whose
// disks are shown already, the loopback, and file systems that live in memory.
export const realDisks = 'device!~"(z?ram|loop|fd|sr|dm-|md).*"';
export const realInterfaces = 'device!~"lo|veth.*"';
export const realFileSystems = 'fstype!~"tmpfs|devtmpfs|ramfs|squashfs"';
