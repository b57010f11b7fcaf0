#!/usr/bin/env node
import { existsSync } from 'node:fs';

// The command `tidemark`. In a checkout (`npx tidemark`) it runs the sources as `npm start` does, so that it is never older
// than they are; installed from a registry there is only what `npm run build` made.
const checkout = new URL('../../../scripts/tidemark.mjs', import.meta.url);
const built = new URL('../dist/main.js', import.meta.url);
await import(existsSync(checkout) ? checkout.href : built.href);
