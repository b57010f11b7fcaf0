#!/usr/bin/env node
// The installed command: runs what `npm run build` made.
await import('../dist/main.js');
