import type { IncomingMessage } from 'node:http';
import { TidemarkError } from '@tidemark/base';

// What a body says it is. Unknown types and encodings are answered with 415 and what is understood instead.

const REMOTE_WRITE_SUPPORTED =
  'application/x-protobuf (proto=prometheus.WriteRequest, remote write 1.0), Content-Encoding snappy';

/** Throws `INGEST_MEDIA_TYPE`, `INGEST_ENCODING`. Absent headers mean remote write 1.0, as they do for Prometheus. */
export function checkRemoteWrite(req: IncomingMessage): void {
  const { type, parameters } = mediaType(req);
  const proto = parameters.get('proto');
  if (type !== '' && (type !== 'application/x-protobuf' || (proto && proto !== 'prometheus.WriteRequest'))) {
    const asked = proto ? `${type};proto=${proto}` : type;
    throw new TidemarkError(
      'INGEST_MEDIA_TYPE',
      `Content-Type ${JSON.stringify(asked.slice(0, 200))} is not supported here; supported: ${REMOTE_WRITE_SUPPORTED}`,
      { type: asked },
    );
  }
  const encoding = encodingOf(req);
  if (encoding === '' || encoding === 'snappy') return;
  throw new TidemarkError(
    'INGEST_ENCODING',
    `Content-Encoding ${JSON.stringify(encoding.slice(0, 200))} is not supported here; supported: ${REMOTE_WRITE_SUPPORTED}`,
    { encoding },
  );
}

/** Text types; whether the body is gzipped and whether it calls itself OpenMetrics. Throws as above. */
export function checkText(req: IncomingMessage): { readonly isGzip: boolean; readonly isOpenMetrics: boolean } {
  const { type } = mediaType(req);
  // What curl says of --data-binary unless told otherwise stands for text.
  const known = [
    '',
    'text/plain',
    'application/openmetrics-text',
    'application/x-www-form-urlencoded',
    'application/octet-stream',
  ];
  if (!known.includes(type)) {
    throw new TidemarkError(
      'INGEST_MEDIA_TYPE',
      `Content-Type ${JSON.stringify(type.slice(0, 200))} is not supported here; supported: text/plain, application/openmetrics-text`,
      { type },
    );
  }
  const encoding = encodingOf(req);
  if (encoding !== '' && encoding !== 'identity' && encoding !== 'gzip') {
    throw new TidemarkError(
      'INGEST_ENCODING',
      `Content-Encoding ${JSON.stringify(encoding.slice(0, 200))} is not supported here; supported: gzip, or none`,
      { encoding },
    );
  }
  return { isGzip: encoding === 'gzip', isOpenMetrics: type === 'application/openmetrics-text' };
}

function encodingOf(req: IncomingMessage): string {
  return (req.headers['content-encoding'] ?? '').trim().toLowerCase();
}

function mediaType(req: IncomingMessage): { readonly type: string; readonly parameters: ReadonlyMap<string, string> } {
  const [type = '', ...rest] = (req.headers['content-type'] ?? '').split(';');
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const [name = '', value = ''] = part.split('=', 2);
    parameters.set(name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1'));
  }
  return { type: type.trim().toLowerCase(), parameters };
}
