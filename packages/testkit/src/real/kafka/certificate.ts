import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Certificate {
  /** The certificate as PEM: what a client trusts. */
  readonly ca: string;
  /** Key and certificate in one PEM file: what Kafka serves. */
  readonly file: string;
}

export const CERTIFICATE_NAMES: readonly string[] = ['IP:127.0.0.1', 'DNS:localhost'];

/** Makes a key and a certificate for these names, signed by itself, valid for a day. Takes `openssl`. */
export async function makeCertificate(folder: string, forNames = CERTIFICATE_NAMES): Promise<Certificate> {
  const key = join(folder, 'key.pem');
  const certificate = join(folder, 'certificate.pem');
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=test broker'];
  const names = ['-addext', `subjectAltName=${forNames.join()}`];
  await promisify(execFile)('openssl', [...args, ...names, '-keyout', key, '-out', certificate]);
  const ca = await readFile(certificate, 'utf8');
  const file = join(folder, 'broker.pem');
  await writeFile(file, (await readFile(key, 'utf8')) + ca);
  return { ca, file };
}
