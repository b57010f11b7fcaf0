import { isIP } from 'node:net';

/** Go's strings.Title: the first letter of every word. */
export function titleCase(text: string): string {
  return text.replace(
    /(^|[^\p{L}\p{N}_])(\p{L})/gu,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  );
}

/** `host:9100` is `host`; what has no port stays. */
export function stripPort(hostPort: string): string {
  return splitPort(hostPort)?.host ?? hostPort;
}

/** `web1.example.org:9100` is `web1:9100`; addresses stay. */
export function stripDomain(hostPort: string): string {
  const { host, port } = splitPort(hostPort) ?? { host: hostPort, port: '' };
  if (isIP(host) !== 0) return hostPort;
  const short = host.split('.')[0] as string;
  return port === '' ? short : `${short}:${port}`;
}

/** Undefined where Go's net.SplitHostPort fails. */
function splitPort(hostPort: string): { readonly host: string; readonly port: string } | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(hostPort);
  return match ? { host: match[1] ?? match[2] ?? '', port: match[3] as string } : undefined;
}
