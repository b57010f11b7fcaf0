export { type ObjectStoreCase, objectStoreCases } from './object-store/conformance.ts';
