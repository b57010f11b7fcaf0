import { z } from 'zod';

// Addresses as they stand in settings. What is wrong with one is a sentence that says how to write it.

const HOST_PORT = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/;

const portOf = (text: string) => Number(text.slice(text.lastIndexOf(':') + 1));

/** Where to listen: port 0 picks one. */
export const listenAddress = z
  .string()
  .regex(HOST_PORT, 'must be host:port, for example 127.0.0.1:9470')
  .refine((text) => portOf(text) <= 65535, 'the port must be at most 65535');

export const brokerAddress = z
  .string()
  .regex(HOST_PORT, { error: 'must be host:port, for example kafka:9092', abort: true })
  .refine((text) => portOf(text) >= 1 && portOf(text) <= 65535, 'the port must be from 1 to 65535');

export const httpAddress = z.url({
  protocol: /^https?$/,
  error: 'must begin with http:// or https://, with a host after it',
});

/** A folder, or a bucket; the scheme in any case. What begins like the address of something else is no folder. */
export const objectsPlace = z
  .string()
  .overwrite((text) => text.replace(/^s3:\/\//i, 's3://'))
  .regex(
    /^(?![sS]3:|[A-Za-z][A-Za-z0-9+.-]*:\/\/)|^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/.*)?$/,
    'must be a folder, s3://bucket or s3://bucket/prefix',
  );
